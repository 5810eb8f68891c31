package faults

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"orderflow/internal/platform/httpclient"
)

// RunAll runs scenarios at the same time, since they mostly wait, and then measures their effects, some at a time, since that is
// about time. tell hears of the progress.
func RunAll(ctx context.Context, scenarios []Scenario, tell func(string)) ([]Result, error) {
	results := make([]Result, len(scenarios))
	tell(fmt.Sprintf("%d faults strike", len(scenarios)))
	err := each(scenarios, len(scenarios), func(i int, s Scenario) (err error) {
		time.Sleep(time.Duration(i) * stagger)
		results[i], err = Run(ctx, s)
		return err
	})
	if err != nil {
		return nil, err
	}
	tell("measuring what others notice of each")
	return results, each(scenarios, 3, func(i int, s Scenario) (err error) {
		r := &results[i]
		r.Effect, err = Measure(ctx, s, httpclient.DefaultConcurrency)
		if !r.Effect.normal() {
			r.Violations = append(r.Violations, fmt.Sprintf("unrelated calls take %v with the fault, %v without (median, 95th percentile)", r.Effect.With, r.Effect.Without))
		}
		return err
	})
}

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
