package bench

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/dev/devstack"
)

// TestDocumentationHasTheRowsOfThePage compares docs/performance.md with the rows of `bench all`.
// The costs must be those that are counted now; what is measured differs between machines.
func TestDocumentationHasTheRowsOfThePage(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(repo.Path("docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	var documented []row
	var measured []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue // not of the table with four columns
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		documented = append(documented, row{cells[1], cells[2], cells[4]})
		measured = append(measured, cells[3])
	}
	var want []row
	for _, p := range parts {
		want = append(want, p.rows...)
	}
	const head = 2
	if len(documented) < head || !slices.Equal(documented[head:], want) {
		t.Fatalf("docs/performance.md has the rows\n%s, the page has\n%s", lines(documented), lines(want))
	}
	counted, err := costs(t.Context(), subject{repo: repo})
	if err != nil {
		t.Fatal(err)
	}
	if got := measured[head : head+len(counted)]; !slices.Equal(got, counted) {
		t.Errorf("docs/performance.md has the costs %v, `bench cost` counts %v", got, counted)
	}
}

func lines(rows []row) (text string) {
	for _, r := range rows {
		text += fmt.Sprintf("| %s | %s | … | %s |\n", r.figure, r.goal, r.before)
	}
	return text
}
