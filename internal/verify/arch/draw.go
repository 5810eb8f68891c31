package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

const document = "docs/architecture.md"

// Draw regenerates the diagrams of docs/architecture.md from the state machines and the template.
func Draw(root string) error {
	r, err := Load(root)
	if err != nil {
		return err
	}
	doc := []byte(r.Texts[document])
	for _, d := range Diagrams(r) {
		// A diagram is the Mermaid block after the comment that names it.
		block := regexp.MustCompile(`(?s)(<!-- diagram: ` + d.Name + ` -->\n` + "```mermaid\n).*?(```)")
		if !block.Match(doc) {
			return fmt.Errorf("%s has no block for the diagram %s: add one", document, d.Name)
		}
		doc = block.ReplaceAll(doc, []byte("${1}"+d.Text+"${2}"))
	}
	return os.WriteFile(filepath.Join(root, document), doc, 0o644)
}
