package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

// atMost bounds the demonstration.
const atMost = time.Minute

const legend = `fail fast        median time of a call that the open circuit refuses
circuit          its states: C(losed), O(pen), H(alf-open), with a clock ten times as fast as the machine's
well again       time after the fault until all processes were served again
unrelated calls  median (95th percentile) of their time during 50 calls to the broken dependency without a circuit,
                 relative to their time without the fault
`

var errUnexpected = errors.New("not everything is as expected")

// Demonstrate makes the payment provider fail in every known way and prints how our side copes with
// each. It fails if anything is not as expected.
func Demonstrate(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	before, began := runtime.NumGoroutine(), time.Now()
	tell := func(s string) { fmt.Fprintf(os.Stderr, "%4.1f s  %s\n", time.Since(began).Seconds(), s) }
	scenarios := Scenarios()
	tell("injecting faults")
	results, err := RunAll(ctx, scenarios)
	if err != nil {
		return err
	}
	tell("measuring the effect on other calls")
	if err := MeasureAll(ctx, scenarios, results); err != nil {
		return err
	}
	ok, err := Report(out, results)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d faults in %.0f s\n%s", len(results), time.Since(began).Seconds(), legend)
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(20 * time.Millisecond) // the last connections are closing
	}
	if n := runtime.NumGoroutine() - before; n > 0 {
		fmt.Fprintf(out, "NOT AS EXPECTED: %d goroutines are left\n", n)
		ok = false
	}
	if !ok {
		return errUnexpected
	}
	return nil
}
