package bench

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
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
	golden(t, "testdata/cost.txt", func(out io.Writer) error {
		cases, err := Cost(t.Context(), repo)
		if err != nil {
			return err
		}
		for _, c := range cases {
			for name, calls := range c.sequential() {
				limit := float64(maxStepCalls)
				if name == "place-order" {
					limit = maxPlaceCalls
				}
				if calls > limit {
					fmt.Fprintf(out, "%s: %s makes %.0f calls of AWS, the limit is %.0f\n", c.Name, name, calls, limit)
				}
			}
		}
		return PrintCost(out, cases)
	})
}

func TestCallsCostTheSameWithMoreOrders(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/growth.txt", func(out io.Writer) error {
		grown, err := Growth(t.Context(), repo, 1_000, 10_000)
		if err != nil {
			return err
		}
		if call, ratio := grown.Worst(); ratio > MaxGrowth {
			fmt.Fprintf(out, "%s consumes %.2f times as much, the limit is %.2f\n", call, ratio, MaxGrowth)
		}
		for _, sweep := range []string{"sweep-orders", "sweep-reservations"} {
			none, ten, twenty := grown.Units[sweep+" "+noneOverdue], grown.Units[sweep+" with 10 overdue"],
				grown.Units[sweep+" with 20 overdue"]
			if none[0] > 8 || ten[0] <= none[0] || twenty[0]-ten[0] != ten[0]-none[0] {
				fmt.Fprintf(out, "%s: %v, %v and %v units with 0, 10 and 20 overdue; the limit is proportion\n",
					sweep, none, ten, twenty)
			}
		}
		return grown.Print(out)
	})
}

// golden compares what measure prints with a file, in which nothing may exceed a limit. On a busy
// machine a call may time out, and its repetition is counted, so a second run decides.
func golden(t *testing.T, file string, measure func(io.Writer) error) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for range 2 {
		got.Reset()
		if err := measure(&got); err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(got.Bytes(), want) {
			return
		}
	}
	if strings.Contains(got.String(), "limit") || !*update {
		t.Fatalf("the counts are not those of %s; if that is meant, run this test with -update\n%s", file, got.Bytes())
	}
	if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
