package faults

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/verify/faults/faultserver"
)

// Effect is the effect of calls to a broken dependency on calls to another one in the same process.
type Effect struct {
	// With and Without are the median and 95th percentile of the time of a call to the other one,
	// including queueing.
	With, Without [2]time.Duration
	// Refused and Asked count the calls to the broken one: those refused by the bulkhead, and all.
	Refused, Asked int
}

// Ratio is the median with the fault divided by that without.
func (e Effect) Ratio() float64 { return ratio(e.With[0], e.Without[0]) }

// Tail is the same for the 95th percentile.
func (e Effect) Tail() float64 { return ratio(e.With[1], e.Without[1]) }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// limit is the largest ratio that counts as normal speed.
const limit = 2

// A process handles room calls at once. Within a tenth of a second, troubled calls to the broken
// dependency arrive, unless the scenario says otherwise, and towards the end the calls to the other
// one.
const (
	room     = 32
	troubled = 50
	others   = 10
	usual    = 20 * time.Millisecond
	lasts    = 100 * time.Millisecond
)

// rounds is the number of rounds with the fault, which alternate with as many without.
const rounds = 3

// normal reports whether other calls keep their speed.
func (e Effect) normal() bool { return e.Ratio() <= limit && e.Tail() <= limit }

// Measure measures the effect of a scenario's fault without a circuit, which would end it: only a
// bulkhead of the given size isolates the two. It retries at most twice if the machine stalls.
func Measure(ctx context.Context, s Scenario, bulkhead int) (Effect, error) {
	var best Effect
	for i := range 3 {
		e, err := measure(ctx, s, bulkhead)
		if err != nil {
			return Effect{}, err
		}
		if i == 0 || e.Ratio()+e.Tail() < best.Ratio()+best.Tail() {
			best = e
		}
		if best.normal() {
			break
		}
	}
	return best, nil
}

func measure(ctx context.Context, s Scenario, bulkhead int) (Effect, error) {
	w, err := newWorld(s)
	if err != nil {
		return Effect{}, err
	}
	defer w.close()
	if err := w.set(s, true); err != nil {
		return Effect{}, err
	}
	other, err := newNeighbour()
	if err != nil {
		return Effect{}, err
	}
	defer other.close()
	broken := w.process(func(c *httpclient.Config) { unguarded(attempt)(c); c.Concurrency = bulkhead })
	defer broken.transport.CloseIdleConnections()

	var e Effect
	var with, without []time.Duration
	if _, err := other.round(ctx, 0, nil); err != nil { // connects
		return Effect{}, err
	}
	for i := range rounds {
		took, err := other.round(ctx, 0, nil)
		if err != nil {
			return Effect{}, err
		}
		without = append(without, took...)
		var mu sync.Mutex
		took, err = other.round(ctx, s.Load, func(n int) {
			o := broken.authorize(ctx, fmt.Sprintf("effect-%d-%d", i, n), deadline)
			mu.Lock()
			defer mu.Unlock()
			e.Asked++
			if errors.Is(o.err, resilience.ErrFull) {
				e.Refused++
			}
		})
		if err != nil {
			return Effect{}, err
		}
		with = append(with, took...)
	}
	e.With = [2]time.Duration{quantile(with, .5), quantile(with, .95)}
	e.Without = [2]time.Duration{quantile(without, .5), quantile(without, .95)}
	return e, nil
}

// unguarded configures a client with one attempt and no circuit.
func unguarded(timeout time.Duration) func(*httpclient.Config) {
	return func(c *httpclient.Config) {
		c.Timeout, c.Breaker, c.Retry = timeout, nil, resilience.Policy{Attempts: 1}
	}
}

// neighbour is the other, healthy dependency.
type neighbour struct {
	server    *faultserver.Server
	client    *httpclient.Client
	transport *http.Transport
}

func newNeighbour() (*neighbour, error) {
	server, err := faultserver.New(http.HandlerFunc(charge))
	if err != nil {
		return nil, err
	}
	t := httpclient.NewTransport()
	t.Proxy = nil
	return &neighbour{server, httpclient.New(httpclient.Config{
		Dependency: "neighbour", Endpoints: registry.Fixed{"neighbour": server.URL()}, Clock: clock.System{},
		Timeout: 10 * time.Second, Transport: t,
	}), t}, server.Set(faultserver.Latency(usual))
}

func (n *neighbour) close() {
	n.transport.CloseIdleConnections()
	n.server.Close()
}

// round makes a process's calls: troubled ones, and those to the other dependency. It returns the
// times of the latter, from arrival to end.
func (n *neighbour) round(ctx context.Context, load int, trouble func(n int)) ([]time.Duration, error) {
	jobs := make(chan func(), troubled+others)
	took, errs := make([]time.Duration, others), make([]error, others)
	var workers sync.WaitGroup
	for range room {
		workers.Go(func() {
			for job := range jobs {
				job()
			}
		})
	}
	for i := range troubled {
		if load > 0 && i%(troubled/load) == 0 {
			jobs <- func() { trouble(i) }
		}
		if k := i - (troubled - others); k >= 0 {
			began := time.Now()
			jobs <- func() {
				errs[k] = n.client.Do(ctx, httpclient.Request{Method: http.MethodGet, Path: "/" + strconv.Itoa(k)}, nil)
				took[k] = time.Since(began)
			}
		}
		time.Sleep(lasts / troubled)
	}
	close(jobs)
	workers.Wait()
	return took, errors.Join(errs...)
}

// quantile returns the q-quantile of the values.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
