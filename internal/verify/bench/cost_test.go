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
	cases, err := Cost(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for name, calls := range c.sequential() {
			limit := float64(maxStepCalls + previousForm)
			if name == "place-order" {
				limit = maxPlaceCalls
			}
			if calls > limit {
				t.Errorf("%s: %s makes %.0f calls of AWS, the limit is %.0f", c.Name, name, calls, limit)
			}
		}
	}
	var got bytes.Buffer
	if err := PrintCost(&got, cases); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/cost.txt", got.Bytes())
}

func TestCallsCostTheSameWithMoreOrders(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	grown, err := Growth(t.Context(), repo, 1_000, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	if call, ratio := grown.Worst(); ratio > MaxGrowth {
		t.Errorf("%s consumes %.2f times as much", call, ratio)
	}
	for _, sweep := range []string{"sweep-orders", "sweep-reservations"} {
		none, ten, twenty := grown.Units[sweep+" "+noneOverdue], grown.Units[sweep+" with 10 overdue"],
			grown.Units[sweep+" with 20 overdue"]
		if none[0] > 8 || ten[0] <= none[0] || twenty[0]-ten[0] != ten[0]-none[0] {
			t.Errorf("%s consumes %v, %v and %v units with 0, 10 and 20 overdue", sweep, none, ten, twenty)
		}
	}
	var got bytes.Buffer
	if err := grown.Print(&got); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/growth.txt", got.Bytes())
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
