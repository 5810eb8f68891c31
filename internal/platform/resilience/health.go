package resilience

import (
	"context"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
)

// Circuits keeps the circuits of a service, as all processes share them. Every service's table
// does.
type Circuits interface {
	// Circuit returns the circuit of a dependency.
	Circuit(ctx context.Context, dependency string) (Circuit, error)
}

// troubles are the states of a circuit that are worth a warning.
var troubles = map[State]*fault.Error{
	Open:     fault.New(fault.Transient, "CircuitOpen", "the circuit is open: calls are refused for now"),
	HalfOpen: fault.New(fault.Transient, "CircuitHalfOpen", "the circuit is half-open: one call probes the dependency"),
}

// Health checks that the circuit of a dependency is closed. Anything else is a warning: only what
// needs the dependency waits. A state that cannot be read is a warning, too.
func Health(kept Circuits, dependency string) health.Check {
	return health.Check{Name: "breaker:" + dependency, Probe: func(ctx context.Context) error {
		c, err := kept.Circuit(ctx, dependency)
		if trouble := troubles[c.State]; err == nil && trouble != nil {
			err = trouble
		}
		return health.Degraded(err)
	}}
}
