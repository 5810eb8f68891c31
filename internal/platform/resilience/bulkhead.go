package resilience

import "orderflow/internal/platform/fault"

// ErrFull is the fault of a call for which a bulkhead has no room.
var ErrFull = fault.New(fault.Transient, "Overloaded", "too many calls of this kind are under way; try again")

// Bulkhead bounds how many calls to one dependency are under way in a process, so that a slow one cannot take
// all of its connections and goroutines. Across processes, reserved concurrency and the queues' MaximumConcurrency do so; see template.yaml.
type Bulkhead chan struct{}

// NewBulkhead returns a bulkhead with room for n calls.
func NewBulkhead(n int) Bulkhead { return make(Bulkhead, n) }

// Enter takes a place until leave is called, or fails with ErrFull at once: a queue in memory would only hide the overload.
func (b Bulkhead) Enter() (leave func(), err error) {
	select {
	case b <- struct{}{}:
		return func() { <-b }, nil
	default:
		return nil, ErrFull
	}
}
