package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orderflow/internal/platform/httpclient"
)

// RunAll runs scenarios concurrently, since they mostly wait.
func RunAll(ctx context.Context, scenarios []Scenario) ([]Result, error) {
	results := make([]Result, len(scenarios))
	return results, each(scenarios, len(scenarios), func(i int, s Scenario) (err error) {
		time.Sleep(time.Duration(i) * stagger)
		results[i], err = undisturbed(ctx, s)
		return err
	})
}

// MeasureAll adds the effect of each fault on other calls to results. It measures only a few at a
// time, to keep the times accurate.
func MeasureAll(ctx context.Context, scenarios []Scenario, results []Result) error {
	return each(scenarios, 3, func(i int, s Scenario) (err error) {
		r := &results[i]
		r.Effect, err = Measure(ctx, s, httpclient.DefaultConcurrency)
		if !r.Effect.normal() {
			r.Violations = append(r.Violations,
				fmt.Sprintf("unrelated calls take %v with the fault, %v without (median, 95th percentile)",
					r.Effect.With, r.Effect.Without))
		}
		return err
	})
}

// undisturbed runs a scenario, and retries it at most twice if it failed and the machine stalled
// long enough to be the cause.
func undisturbed(ctx context.Context, s Scenario) (r Result, err error) {
	for range 3 {
		stop, stutter := make(chan struct{}), make(chan time.Duration)
		go func() {
			var worst time.Duration
			for {
				began := time.Now()
				select {
				case <-time.After(tick):
					worst = max(worst, time.Since(began)-tick)
				case <-stop:
					stutter <- worst
					return
				}
			}
		}()
		r, err = Run(ctx, s)
		close(stop)
		if worst := <-stutter; err != nil || len(r.Violations) == 0 || worst < attempt/4 {
			return r, err
		}
	}
	return r, err
}

// tick is the interval of checks for stalls of the machine.
const tick = 5 * time.Millisecond

// stagger is the time between starts of scenarios: only the start needs much CPU.
const stagger = 50 * time.Millisecond

// each runs do for every scenario, with limited concurrency.
func each(scenarios []Scenario, atOnce int, do func(i int, s Scenario) error) error {
	errs, places := make([]error, len(scenarios)), make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i, s := range scenarios {
		places <- struct{}{}
		running.Go(func() {
			errs[i] = do(i, s)
			<-places
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
