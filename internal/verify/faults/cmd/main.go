// Command faults lets the payment provider go wrong in every known way, prints what our side did about each, and exits with 1
// if anything is not as expected. See package orderflow/internal/verify/faults.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"orderflow/internal/verify/faults"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // circuits log their changes
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

// limit is for everything.
const limit = time.Minute

const legend = `fail fast        median of what a call takes that the open circuit refuses
circuit          its states: C(losed), O(pen), H(alf-open), by a clock ten times as fast as the machine's
well again       when all processes were served again after the fault
unrelated calls  median (95th percentile) of what they take while 50 calls come in for the broken dependency and no circuit helps,
                 as a multiple of what they take without the fault
`

var errUnexpected = errors.New("not everything is as expected")

func run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	before, began := runtime.NumGoroutine(), time.Now()
	tell := func(s string) { fmt.Fprintf(os.Stderr, "%4.1f s  %s\n", time.Since(began).Seconds(), s) }
	scenarios := faults.Scenarios()
	tell("faults strike")
	results, err := faults.RunAll(ctx, scenarios)
	if err != nil {
		return err
	}
	tell("measuring what others notice of each")
	if err := faults.MeasureAll(ctx, scenarios, results); err != nil {
		return err
	}
	ok, err := faults.Report(os.Stdout, results)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d faults in %.0f s\n%s", len(results), time.Since(began).Seconds(), legend)
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(20 * time.Millisecond) // the last connections are closing
	}
	if n := runtime.NumGoroutine() - before; n > 0 {
		fmt.Printf("NOT AS EXPECTED: %d goroutines are left\n", n)
		ok = false
	}
	if !ok {
		return errUnexpected
	}
	return nil
}
