package readiness

import (
	"context"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/resilience"
)

// Reacher is something of the service's own, such as a table.
type Reacher interface {
	// Reach returns nil if it answers.
	Reach(ctx context.Context) error
}

// Table checks that the service's table answers reads.
func Table(t Reacher) health.Check { return health.Check{Name: "table", Probe: t.Reach} }

// Topic checks that the service's topic is there.
func Topic(t Reacher) health.Check { return health.Check{Name: "topic", Probe: t.Reach} }

// Registry finds services; one of package registry that caches nothing.
type Registry interface {
	// Resolve returns the addresses of a service.
	Resolve(ctx context.Context, name string) ([]string, error)
}

// Address checks that the registry knows where a service is. It must not be a cache: an address that this process
// still remembers helps no process that starts now.
func Address(r Registry, service string) health.Check {
	return health.Check{Name: "registry:" + service, Probe: func(ctx context.Context) error {
		_, err := r.Resolve(ctx, service)
		return err
	}}
}

// Secret checks by probe that a secret is there. Operators see it as name.
func Secret(name string, probe func(context.Context) error) health.Check {
	return health.Check{Name: "secret:" + name, Probe: probe}
}

// Circuits keeps the circuits of a service, as all processes share them. Every service's table does.
type Circuits interface {
	// Circuit returns the circuit of a dependency.
	Circuit(ctx context.Context, dependency string) (resilience.Circuit, error)
}

// troubles are the states of a circuit that are not as they should be.
var troubles = map[resilience.State]*fault.Error{
	resilience.Open:     fault.New(fault.Transient, "CircuitOpen", "the dependency is not asked for now"),
	resilience.HalfOpen: fault.New(fault.Transient, "CircuitHalfOpen", "the dependency is being tried again"),
}

// Breaker checks that the circuit to a dependency is closed. Anything else is a warning: what needs the dependency waits, all else
// goes on; nor does a state that cannot be read stop anything.
func Breaker(kept Circuits, dependency string) health.Check {
	return health.Check{Name: "breaker:" + dependency, Probe: func(ctx context.Context) error {
		c, err := kept.Circuit(ctx, dependency)
		if trouble := troubles[c.State]; err == nil && trouble != nil {
			err = trouble
		}
		return health.Degraded(err)
	}}
}
