package resilience

import (
	"context"
	"errors"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// ErrClosed: the circuit is already closed.
var ErrClosed = errors.New("the circuit is closed")

// Reset closes the circuit of a dependency by hand and returns what it was, for an operator who
// knows that the dependency is back before a probe shows it. It fails with ErrClosed if there is
// nothing to do. Processes see the change within a second. If the dependency is still down, the
// circuit opens again after the usual number of failures.
func Reset(ctx context.Context, log CircuitLog, dependency string, p envelope.Publisher) (Circuit, error) {
	b := Breaker{dependency: dependency, events: p}
	return fault.RetryLostRace(func() (Circuit, error) {
		c, err := log.Circuit(ctx, dependency)
		if err != nil {
			return c, err
		}
		if c.admits() {
			return c, ErrClosed
		}
		next := Circuit{State: Closed, Version: c.Version + 1, Opened: c.Opened}
		return c, log.SaveCircuit(ctx, dependency, next, b.stateChanged(ctx, c, next))
	})
}
