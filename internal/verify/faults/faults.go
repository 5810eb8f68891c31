// Package faults makes the payment provider fail in every way that a network and a server can, on
// real sockets, and checks how our side reacts.
//
// It tests the real adapter (payments/provider) and HTTP client, with several clients that share
// one circuit, as the processes of a function do. All traffic stays on the loopback interface.
// Times are real, but short; the circuits' clock runs ten times as fast as the machine's, so that
// their real settings apply (see fast).
//
// One part is about processes that serve many requests at once, unlike Lambda's: the bulkhead of
// httpclient, and the effect of a fault on calls to another dependency in the same process.
//
// strangler_test.go does the same to the old shop and to the services, on both sides of the router;
// edges_test.go to payments behind GraphQL and RPC.
//
// `go test` and `go run ./cmd/dev faults` run the same scenarios: see Scenarios, and run for the
// expectations.
package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"go.uber.org/goleak"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

const legend = `fail fast        median time of a call that the open circuit refuses
circuit          its states: C(losed), O(pen), H(alf-open), with a clock ten times as fast as the machine's
recovery         time after the fault until all processes were served again
unrelated calls  median (95th percentile) of their time during 50 calls to the broken dependency without a circuit,
                 relative to their time without the fault
`

// Demonstrate makes the payment provider fail in every known way and prints how our side reacts to
// each. It fails if anything is not as expected.
func Demonstrate(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	running, began := goleak.IgnoreCurrent(), time.Now()
	fmt.Fprintln(os.Stderr, "injecting faults; this takes about half a minute")
	results, err := RunAll(ctx, true)
	if err != nil {
		return err
	}
	err = report(out, results)
	fmt.Fprintf(out, "\n%d faults in %.0f s\n%s", len(results), time.Since(began).Seconds(), legend)
	return errors.Join(err, goleak.Find(running))
}

// stagger is the time between starts of scenarios: only the start needs much CPU.
const stagger = 50 * time.Millisecond

// RunAll runs all scenarios concurrently, since they mostly wait. With effects, it then measures
// the effect of each fault on other calls, only a few at a time, to keep the times accurate.
func RunAll(ctx context.Context, effects bool) ([]Result, error) {
	scenarios := Scenarios()
	results := make([]Result, len(scenarios))
	err := concurrent.Do(len(scenarios), len(scenarios), func(i int) (err error) {
		time.Sleep(time.Duration(i) * stagger)
		results[i], err = undisturbed(ctx, scenarios[i])
		return err
	})
	if err != nil || !effects {
		return results, err
	}
	return results, concurrent.Do(len(scenarios), 3, func(i int) (err error) {
		r := &results[i]
		r.Effect, err = Measure(ctx, r.Scenario, httpclient.DefaultConcurrency)
		r.unless(r.Effect.normal(), "with the fault unrelated calls take %.2f (median) and %.2f (95th percentile) "+
			"times as long as without", r.Effect.Median, r.Effect.P95)
		return err
	})
}

// undisturbed runs a scenario, and retries it at most twice if it failed and the machine stalled
// long enough to be the cause.
func undisturbed(ctx context.Context, s Scenario) (r Result, err error) {
	const tick = 5 * time.Millisecond
	for range 3 {
		watching, stop := context.WithCancel(ctx)
		stall := make(chan time.Duration)
		go func() {
			var longest time.Duration
			for began := time.Now(); clock.Sleep(watching, tick) == nil; began = time.Now() {
				longest = max(longest, time.Since(began)-tick)
			}
			stall <- longest
		}()
		r, err = run(ctx, s)
		stop()
		if longest := <-stall; err != nil || len(r.Violations) == 0 || longest < attempt/4 {
			break
		}
	}
	return r, err
}

// report prints the results, one line per scenario, and fails if there are violations.
func report(out io.Writer, results []Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "fault\terror\tlongest call\tcalls\trequests sent\tfail fast\tcircuit\t"+
		"recovery\tunrelated calls (p95)\t")
	var violations []error
	for _, r := range results {
		sees, fast := cmp.Or(r.Want, "no error"), "-"
		if r.Opens {
			sees, fast = sees+", then CircuitOpen", r.FailFast.Round(100*time.Nanosecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%d ms\t%d\t%d\t%s\t%s\t%.1f s\t%.2f (%.2f)\t\n", r.Name, sees, r.Longest.Milliseconds(),
			r.Asked, r.Sent, fast, initials(r.States), r.Recovery.Seconds(), r.Effect.Median, r.Effect.P95)
		for _, v := range r.Violations {
			violations = append(violations, fmt.Errorf("not as expected: %s: %s", r.Name, v))
		}
	}
	return errors.Join(append(violations, w.Flush())...)
}

func initials(states []resilience.State) string {
	var s []string
	for _, state := range states {
		s = append(s,
			map[resilience.State]string{resilience.Closed: "C", resilience.Open: "O", resilience.HalfOpen: "H"}[state])
	}
	return strings.Join(s, ">")
}
