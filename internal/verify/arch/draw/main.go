// Command draw writes the diagrams of docs/architecture.md anew from the state machines and
// the template. Run it at the root of the repository: go run ./internal/verify/arch/draw
package main

import (
	"fmt"
	"os"
	"regexp"

	"orderflow/internal/verify/arch"
)

const document = "docs/architecture.md"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

func run() error {
	r, err := arch.Load(".")
	if err != nil {
		return err
	}
	doc := []byte(r.Texts[document])
	for _, d := range arch.Diagrams(r) {
		// A diagram stands in the Mermaid block after the comment that names it.
		block := regexp.MustCompile(`(?s)(<!-- diagram: ` + d.Name + ` -->\n` + "```mermaid\n).*?(```)")
		if !block.Match(doc) {
			return fmt.Errorf("%s has no block for the diagram of %s", document, d.Name)
		}
		doc = block.ReplaceAll(doc, []byte("${1}"+d.Text+"${2}"))
	}
	return os.WriteFile(document, doc, 0o644)
}
