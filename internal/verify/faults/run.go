package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// Result is the result of a scenario.
type Result struct {
	Scenario
	Asked, Sent int                // calls during the fault, and requests sent for them
	Longest     time.Duration      // of the calls
	FailFast    time.Duration      // median of a call that the open circuit refuses; 0 if it never opened
	States      []resilience.State // of the circuit, in order
	Recovery    time.Duration      // after the fault until all processes were served again
	Effect      Effect             // on calls to another dependency
	Violations  []string           // unmet expectations
}

func (r *Result) unless(ok bool, format string, args ...any) {
	if !ok {
		r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
	}
}

// failFast is the limit of the median refusal by an open circuit.
const failFast = 5 * time.Millisecond

// running is a running scenario.
type running struct {
	Result
	w    *world
	ctx  context.Context
	keys int
}

// run runs a scenario, without its effect on other calls: see Measure. It fails only if the
// scenario could not run.
func run(ctx context.Context, s Scenario) (Result, error) {
	w, err := newWorld(s)
	if err != nil {
		return Result{}, err
	}
	defer w.close()
	r := &running{Result: Result{Scenario: s, States: []resilience.State{resilience.Closed}}, w: w, ctx: ctx}
	r.healthy()
	if err := w.set(s, true); err != nil {
		return Result{}, err
	}
	r.deadlines()
	before := w.sent.Load()
	r.closed(before)
	if s.Opens {
		r.open()
		r.halfOpen()
	}
	r.Sent = int(w.sent.Load() - before + w.probes.Load())
	if err := w.set(s, false); err != nil {
		return Result{}, err
	}
	r.recovered()
	r.states()
	return r.Result, ctx.Err()
}

// calls makes n calls of the processes in turn, atOnce at a time, each with a new key, and checks
// their deadlines.
func (r *running) calls(n, atOnce int) []outcome {
	outcomes := make([]outcome, n)
	_ = concurrent.Do(n, atOnce, func(i int) error {
		key := "key-" + strconv.Itoa(r.keys+i)
		outcomes[i] = r.w.processes[i%processes].authorize(r.ctx, key, deadline)
		return nil
	})
	r.keys += n
	for _, o := range outcomes {
		r.Asked++
		r.Longest = max(r.Longest, o.took)
		r.unless(o.took <= deadline+slack, "a call took %v, of %v", o.took, deadline)
	}
	return outcomes
}

// healthy: without a fault calls succeed, and connections are reused.
func (r *running) healthy() {
	for _, o := range r.calls(3*processes, 1) {
		r.unless(o.err == nil, "before the fault: %v", o.err)
	}
	r.unless(r.w.server.Connections() == processes, "%d connections for sequential calls of %d processes",
		r.w.server.Connections(), processes)
	r.Asked, r.Longest = 0, 0
}

// deadlines: a short deadline of the caller holds, even if the client would wait far longer.
func (r *running) deadlines() {
	const little = attempt
	o := r.w.process(unguarded(time.Minute)).authorize(r.ctx, "deadline", little)
	r.unless(o.took <= little+slack, "a call with a deadline of %v took %v", little, o.took)
	r.unless(r.wants(o.err), "of a caller with a short deadline: %v", o.err)
}

// closed: calls get the fault's error until enough have failed to open the circuit.
func (r *running) closed(before int64) {
	calls, want := 6, 6*r.Attempts
	if r.Opens {
		calls, want = settings.Failures, (settings.Failures-1)*r.Attempts+1
	}
	for i, o := range r.calls(calls, 1) {
		opens := r.Opens && i == calls-1
		r.unless(opens && errors.Is(o.err, resilience.ErrOpen) || !opens && r.wants(o.err),
			"%v of call %d, want %s, and ErrOpen of the call that opens the circuit", o.err, i+1, r.Want)
	}
	r.unless(r.w.sent.Load()-before == int64(want), "%d requests while the circuit was closed, want %d",
		r.w.sent.Load()-before, want)
}

// wants reports whether an error is the scenario's while the circuit is closed.
func (r *running) wants(err error) bool {
	if err == nil || r.Want == "" {
		return err == nil && r.Want == ""
	}
	f := fault.From(err)
	return f.Code == r.Want && f.Kind == r.Kind
}

// open: no process sends anything, and all fail fast.
func (r *running) open() {
	time.Sleep(time.Second/speed + 20*time.Millisecond) // a process caches the circuit for a second
	sent, requests, connections := r.w.sent.Load(), r.w.server.Requests(), r.w.server.Connections()
	var took []time.Duration
	for _, o := range r.calls(20*processes, 1) {
		took = append(took, o.took)
		r.unless(errors.Is(o.err, resilience.ErrOpen) && fault.KindOf(o.err) == fault.Unavailable &&
			fault.From(o.err).RetryAfter > 0, "%v while the circuit is open", o.err)
	}
	r.FailFast = quantile(took, .5)
	r.unless(r.FailFast < failFast, "the median refusal of the open circuit takes %v", r.FailFast)
	r.unless(r.w.sent.Load() == sent, "%d requests while the circuit was open", r.w.sent.Load()-sent)
	r.unless(r.w.server.Requests() == requests && r.w.server.Connections() == connections,
		"the provider was reached while the circuit was open")
}

// halfOpen: of concurrent calls to a half-open circuit, one sends the probe, and the circuit opens
// again.
func (r *running) halfOpen() {
	r.awaitProbe()
	sent := r.w.sent.Load()
	for _, o := range r.calls(8*processes, 8*processes) {
		r.unless(errors.Is(o.err, resilience.ErrOpen), "%v while the circuit is half-open", o.err)
	}
	r.unless(r.w.probes.Load() == 1 && r.w.sent.Load() == sent,
		"%d probes and %d calls went out while the circuit was half-open, want one probe",
		r.w.probes.Load(), r.w.sent.Load()-sent)
	c := r.circuit()
	r.unless(c.State == resilience.Open && c.Openings == 2, "after a failed probe: %+v", c)
}

// recovered: after the fault, one probe closes the circuit, and every process is served again.
func (r *running) recovered() {
	began, asked, probes := time.Now(), r.Asked, r.w.probes.Load()
	if r.Opens {
		r.awaitProbe()
		for _, o := range r.calls(8*processes, 8*processes) {
			r.unless(o.err == nil || errors.Is(o.err, resilience.ErrOpen), "after the fault: %v", o.err)
		}
		r.unless(r.w.probes.Load() == probes+1, "%d probes after the fault, want one", r.w.probes.Load()-probes)
		time.Sleep(time.Second/speed + 20*time.Millisecond)
	}
	for i := range 3 {
		for _, o := range r.calls(processes, 1) {
			r.unless(o.err == nil, "after the fault: %v", o.err)
		}
		if i == 0 {
			r.Recovery = time.Since(began)
		}
	}
	r.unless(r.circuit().State == resilience.Closed, "the circuit is %s at the end", r.circuit().State)
	for _, a := range r.w.server.Arrivals() {
		r.unless(a.Path != elsewhere, "a redirect was followed")
	}
	r.Asked = asked
}

// awaitProbe waits until the circuit, which must be open, allows a probe.
func (r *running) awaitProbe() {
	c := r.circuit()
	r.unless(c.State == resilience.Open, "the circuit is not open: %+v", c)
	time.Sleep(c.RetryAt.Sub(r.w.clock.Now()) / speed)
}

func (r *running) circuit() resilience.Circuit {
	c, err := r.w.log.Circuit(r.ctx, provider.Name)
	r.unless(err == nil, "%v", err)
	return c
}

// states reads the circuit's history from its events.
func (r *running) states() {
	for _, e := range r.w.log.TakeOutbox() {
		var c resilience.Changed
		err := json.Unmarshal(e.Data, &c)
		r.unless(err == nil && c.From == r.States[len(r.States)-1], "event %s: %+v, %v", e.Type, c, err)
		r.States = append(r.States, c.To)
	}
	want := []resilience.State{resilience.Closed}
	if r.Opens {
		want = append(want, resilience.Open, resilience.HalfOpen, resilience.Open, resilience.HalfOpen,
			resilience.Closed)
	}
	r.unless(slices.Equal(r.States, want), "the circuit went through %v, want %v", r.States, want)
}
