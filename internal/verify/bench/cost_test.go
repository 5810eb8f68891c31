package bench

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"orderflow/internal/dev/devstack"
)

var update = flag.Bool("update", false, "write the golden files of cost and growth")

// TestOrdersCostWhatIsMeant compares with the golden file. A change that costs more has to be
// meant: go test ./internal/verify/bench -run Meant -update
func TestOrdersCostWhatIsMeant(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := Cost(repo)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := PrintCost(&got, cases); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/cost.txt", got.Bytes())
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the counts are not those of %s; if that is meant, run this test with -update\n%s", file, got)
	}
}
