package resilience

import (
	"context"
	"errors"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// ErrClosed: the circuit is closed already.
var ErrClosed = errors.New("the circuit is closed")

// Reset closes the circuit of a dependency by hand, as whoever knows that the dependency is back may do before a probe finds
// out, and returns what it was. ErrClosed if there is nothing to do. Processes see it within a second; if they are wrong who
// say that it is back, the circuit opens again after as many failures as ever.
func Reset(ctx context.Context, log CircuitLog, dependency string, p envelope.Publisher) (Circuit, error) {
	b := Breaker{dependency: dependency, events: p}
	return fault.Redecide(func() (Circuit, error) {
		c, err := log.Circuit(ctx, dependency)
		if err != nil {
			return c, err
		}
		if c.admits() {
			return c, ErrClosed
		}
		next := Circuit{State: Closed, Version: c.Version + 1}
		return c, log.SaveCircuit(ctx, dependency, next, b.stateChanged(ctx, c, next))
	})
}
