package faults

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"orderflow/internal/platform/resilience"
)

// Report prints the results, one line per scenario, and then the violations. ok is false if there
// are any.
func Report(out io.Writer, results []Result) (ok bool, err error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w,
		"fault\ta caller sees\tlongest call\tcalls asked for\trequests sent\tfail fast\tcircuit\t"+
			"well again\tunrelated calls (p95)\t")
	for _, r := range results {
		sees, fast := cmp.Or(r.Want, "no error"), "-"
		if r.Opens {
			sees, fast = sees+", then CircuitOpen", r.FailFast.Round(100*time.Nanosecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%d ms\t%d\t%d\t%s\t%s\t%.1f s\t%.2f (%.2f)\t\n", r.Name, sees, r.Longest.Milliseconds(),
			r.Asked, r.Sent, fast,
			history(r.States), r.Recovery.Seconds(), r.Effect.Ratio(), r.Effect.Tail())
	}
	if err := w.Flush(); err != nil {
		return false, err
	}
	ok = true
	for _, r := range results {
		for _, v := range r.Violations {
			ok = false
			fmt.Fprintf(out, "NOT AS EXPECTED: %s: %s\n", r.Name, v)
		}
	}
	return ok, nil
}

// history returns the initials of states.
func history(states []resilience.State) string {
	var s []string
	for _, state := range states {
		s = append(s,
			map[resilience.State]string{resilience.Closed: "C", resilience.Open: "O", resilience.HalfOpen: "H"}[state])
	}
	return strings.Join(s, ">")
}
