package host

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
)

// work counts what is under way in a process, so that its end can wait for it.
type work struct {
	mu       sync.Mutex
	draining bool
	requests int // that may begin something
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

// none reports that nothing is under way, and how many invocations there were.
func (w *work) none() (begun int, none bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begun, w.busy == 0 && w.requests == 0
}

// Report says what a process leaves behind.
type Report struct {
	// Parked are the executions that still run.
	Parked []string
	// Pending is how many orders are not decided.
	Pending int
	// Messages and Events wait for their delivery.
	Messages, Events int
}

// atRest is the pause between two looks whether there is work left.
const atRest = 5 * time.Millisecond

// Drain takes no new requests and waits until everything that they began is over, or until ctx
// ends: what is accepted is an event first, then a message, then a saga.
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
		if r.Events += f.aside(ctx); !rested { // a schedule may run meanwhile, and all streams may have news again
			r.Events += f.left(ctx)
		}
	}
	for _, q := range h.delivery.Queues() {
		s := q.State()
		r.Messages += s.Ready + s.Taken + s.Hidden
	}
	return r
}

// rests reports whether nothing is left to do but what waits for a time. Work moves only by
// invocations: if there was none meanwhile, what was looked at first has not changed.
func (h *Host) rests(ctx context.Context) bool {
	begun, none := h.work.none()
	if !none || h.engine.Size() > 0 {
		return false
	}
	if h.lasting && !h.engine.Leads() {
		return true // another process goes on
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
