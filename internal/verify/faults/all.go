package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orderflow/internal/platform/httpclient"
)

// RunAll runs scenarios, at the same time since they mostly wait.
func RunAll(ctx context.Context, scenarios []Scenario) ([]Result, error) {
	results := make([]Result, len(scenarios))
	return results, each(scenarios, len(scenarios), func(i int, s Scenario) (err error) {
		time.Sleep(time.Duration(i) * stagger)
		results[i], err = undisturbed(ctx, s)
		return err
	})
}

// MeasureAll adds to results what others notice of each fault. It does so for some at a time only,
// since that is about time.
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

// undisturbed runs a scenario, and again, twice at most, if it failed while the machine stood still
// for long enough to be to blame.
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

// tick is how often it is looked whether the machine stands still.
const tick = 5 * time.Millisecond

// stagger is between the starts of scenarios: a start is the one thing that takes work.
const stagger = 50 * time.Millisecond

// each does something for every scenario, so many at a time.
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
