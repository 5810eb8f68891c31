package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
)

// work counts the requests and invocations in progress, so that a drain can wait for them.
type work struct {
	mu       sync.Mutex
	draining bool
	requests int // that may start work
	busy     int // invocations
	begun    int // invocations so far
}

// admit counts a request, unless the process drains.
func (w *work) admit() (end func(), admitted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.draining {
		return nil, false
	}
	w.requests++
	return func() { w.add(&w.requests, -1) }, true
}

// begin counts an invocation.
func (w *work) begin() (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy++
	w.begun++
	return func() { w.add(&w.busy, -1) }
}

func (w *work) add(to *int, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*to += n
}

// drain admits no more requests.
func (w *work) drain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
}

// none reports whether nothing is in progress, and how many invocations there were.
func (w *work) none() (begun int, none bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, w.busy == 0 && w.requests == 0
}

// Report counts what a process leaves unfinished.
type Report struct {
	// Parked is the number of running executions.
	Parked []string
	// Pending is the number of PENDING orders.
	Pending int
	// Messages and Events wait for their delivery.
	Messages, Events int
}

// atRest is the pause between two checks for remaining work.
const atRest = 5 * time.Millisecond

// Drain admits no new requests. It waits until the work of earlier ones is finished, or until ctx
// ends: an accepted order is first an event, then a message, then a saga.
func (h *Host) Drain(ctx context.Context) Report {
	h.work.drain()
	h.rpc.End()
	rested := h.rests(ctx)
	for !rested && clock.Sleep(ctx, atRest) == nil {
		rested = h.rests(ctx)
	}
	parked := h.engine.Drain(ctx).Parked
	ctx = context.WithoutCancel(ctx)
	r := Report{Parked: parked}
	pending, err := h.orders.Overdue(ctx, h.clock.Now().Add(time.Hour))
	if err != nil {
		slog.WarnContext(ctx, "pending orders were not counted", "error", err.Error())
	}
	r.Pending = len(pending)
	for _, f := range h.feeds {
		if r.Events += f.aside(ctx); !rested { // a schedule may have run meanwhile, and written to any stream
			r.Events += f.left(ctx)
		}
	}
	for _, q := range h.delivery.Queues() {
		s := q.State()
		r.Messages += s.Ready + s.Taken + s.Hidden
	}
	return r
}

// rests reports whether all remaining work waits for a time. Only invocations move work: if there
// was none during the check, what was checked first has not changed.
func (h *Host) rests(ctx context.Context) bool {
	begun, none := h.work.none()
	if !none || h.engine.Size() > 0 {
		return false
	}
	if h.lasting && !h.engine.Leads() {
		return true // another process continues it
	}
	for _, f := range h.feeds {
		if f.left(ctx) > 0 {
			return false
		}
	}
	for _, q := range h.delivery.Queues() {
		if s := q.State(); s.Ready+s.Taken > 0 {
			return false
		}
	}
	if open, err := h.engine.Open(ctx); err != nil || len(open) > 0 { // last: it may be read from a table
		return false
	}
	again, none := h.work.none()
	return none && again == begun
}
