package resilience

import "orderflow/internal/platform/fault"

// ErrFull is the fault of a call for which a bulkhead has no room.
var ErrFull = fault.New(fault.Transient, "Overloaded", "too many calls of this kind are in progress; try again")

// Bulkhead bounds how many calls to one dependency are in progress in a process, so that a slow one
// cannot take all of its connections and goroutines. It acts in a process that serves many requests
// at once. A Lambda process serves one invocation at a time and never fills it: there the bulkhead
// is in template.yaml, ReservedConcurrency around a function and MaximumConcurrency behind a queue.
type Bulkhead chan struct{}

// NewBulkhead returns a bulkhead with room for n calls.
func NewBulkhead(n int) Bulkhead { return make(Bulkhead, n) }

// Enter takes a place until leave is called. It fails with ErrFull at once if there is none: a
// queue in memory would only hide the overload.
func (b Bulkhead) Enter() (leave func(), err error) {
	select {
	case b <- struct{}{}:
		return func() { <-b }, nil
	default:
		return nil, ErrFull
	}
}
