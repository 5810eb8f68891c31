package bench

import (
	"testing"
	"time"

	"orderflow/internal/dev/devstack"
)

// beside is how much more a start may take beside other tests: they change CPU time, too, and more
// for us than for hello-world, which needs less of the processor's cache (ADR 16).
const beside = 1.15

// TestEveryFunctionStartsWithinTheLimits checks CPU time; `go run ./cmd/dev bench start` also
// checks time, with exact limits. If the first measurement exceeds the limits, a second decides.
func TestEveryFunctionStartsWithinTheLimits(t *testing.T) {
	repo, err := devstack.FindRepo()
	if err != nil {
		t.Fatal(err)
	}
	hello, programs, err := Functions(t.Context(), repo, nil)
	if err != nil {
		t.Fatal(err)
	}
	for attempt := 1; ; attempt++ {
		_, starts, _, err := Measure(t.Context(), hello, programs, 3, 20*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		verdict := Judge(starts, func(s Start) float64 { return s.CPURatio / beside })
		t.Logf("median %.2f, worst %.2f (%s) times the CPU time of hello-world's start, divided by %.2f",
			verdict.Median, verdict.Worst, verdict.Slowest, beside)
		if verdict.Err() == nil {
			return
		}
		if attempt == 2 {
			t.Fatal(verdict.Err())
		}
	}
}
