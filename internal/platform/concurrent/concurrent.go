// Package concurrent runs calls concurrently.
package concurrent

import (
	"errors"
	"sync"
)

// All runs all calls concurrently and returns all their errors.
func All(calls ...func() error) error {
	return Do(len(calls), len(calls), func(i int) error { return calls[i]() })
}

// Do calls do for 0 to n-1 in this order, at most atOnce at a time, and returns all their errors.
func Do(n, atOnce int, do func(i int) error) error {
	errs, slots := make([]error, n), make(chan struct{}, atOnce)
	var running sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			errs[i] = do(i)
		})
	}
	running.Wait()
	return errors.Join(errs...)
}
