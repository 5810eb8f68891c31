package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"orderflow/internal/dev/faultserver"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/resilience"
)

// Effect is the effect of calls to a broken dependency on calls to another one in the same process.
type Effect struct {
	// Median and P95 (the 95th percentile) are ratios: the time of a call to the other dependency,
	// including queueing, with the fault and without it.
	Median, P95 float64
	// Refused counts the calls to the broken one that the bulkhead refused.
	Refused int
}

// normal reports whether other calls keep their speed.
func (e Effect) normal() bool { return e.Median <= 2 && e.P95 <= 2 }

// A process handles room calls at once. Within a tenth of a second, troubled calls to the broken
// dependency arrive (the scenario may set another number), and towards the end the calls to the
// other one.
const (
	room     = 32
	troubled = 50
	others   = 10
	usual    = 20 * time.Millisecond
	lasts    = 100 * time.Millisecond
)

// pause is how much longer Measure waits before each attempt.
const pause = 200 * time.Millisecond

// rounds is the number of rounds with the fault, which alternate with as many without.
const rounds = 3

// Measure measures the effect of a scenario's fault without a circuit, which would end it: only a
// bulkhead of the given size isolates the two. Other work on the machine slows calls, too, for
// seconds: if they are slow, Measure waits, each time longer, and measures again. It returns the
// smallest of ten effects at most.
func Measure(ctx context.Context, s Scenario, bulkhead int) (best Effect, err error) {
	for i := 0; i < 10 && (i == 0 || !best.normal()); i++ {
		if err := clock.Sleep(ctx, time.Duration(i)*pause); err != nil {
			return Effect{}, err
		}
		e, err := measure(ctx, s, bulkhead)
		if err != nil {
			return Effect{}, err
		}
		if i == 0 || e.Median+e.P95 < best.Median+best.P95 {
			best = e
		}
	}
	return best, nil
}

func measure(ctx context.Context, s Scenario, bulkhead int) (e Effect, err error) {
	w, err := newWorld(s)
	if err != nil {
		return e, err
	}
	defer w.close()
	other, err := newWorld(Scenario{})
	if err != nil {
		return e, err
	}
	defer other.close()
	if err := errors.Join(w.set(s, true), other.server.Set(faultserver.Latency(usual))); err != nil {
		return e, err
	}
	broken := w.process(func(c *httpclient.Config) { unguarded(attempt)(c); c.Concurrency = bulkhead })
	healthy := other.process(unguarded(10 * time.Second))
	var refused atomic.Int32
	var with, without []time.Duration
	for i := range 2*rounds + 1 {
		load := 0
		if i > 0 && i%2 == 0 {
			load = s.Load
		}
		took, err := round(ctx, fmt.Sprintf("effect-%d", i), healthy, load, func(key string) {
			if o := broken.authorize(ctx, key, deadline); errors.Is(o.err, resilience.ErrFull) {
				refused.Add(1)
			}
		})
		switch {
		case err != nil:
			return e, err
		case load > 0:
			with = append(with, took...)
		case i > 0: // the first round connects
			without = append(without, took...)
		}
	}
	ratio := func(q float64) float64 { return float64(quantile(with, q)) / float64(max(quantile(without, q), 1)) }
	return Effect{Median: ratio(.5), P95: ratio(.95), Refused: int(refused.Load())}, nil
}

// round makes a process's calls: load troubled ones, and those to the healthy dependency. It
// returns the times of the latter, from arrival to end.
func round(ctx context.Context, key string, healthy *process, load int, trouble func(key string)) ([]time.Duration,
	error) {
	slots, took, errs := make(chan struct{}, room), make([]time.Duration, others), make([]error, others)
	var calls sync.WaitGroup
	arrive := func(call func()) {
		calls.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			call()
		})
	}
	for i := range troubled {
		key := fmt.Sprintf("%s-%d", key, i)
		if load > 0 && i%(troubled/load) == 0 {
			arrive(func() { trouble(key) })
		}
		if other := i - (troubled - others); other >= 0 {
			began := time.Now()
			arrive(func() {
				errs[other] = healthy.authorize(ctx, "other-"+key, 10*time.Second).err
				took[other] = time.Since(began)
			})
		}
		time.Sleep(lasts / troubled)
	}
	calls.Wait()
	return took, errors.Join(errs...)
}

// unguarded configures a client with one attempt and no circuit.
func unguarded(timeout time.Duration) func(*httpclient.Config) {
	return func(c *httpclient.Config) {
		c.Timeout, c.Breaker, c.Retry = timeout, nil, resilience.Policy{Attempts: 1}
	}
}

func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
