package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/shipping/carrier"
)

// Circuit is a circuit as a service keeps it.
type Circuit struct {
	Service    string           `json:"service"`
	Dependency string           `json:"dependency"`
	State      resilience.State `json:"state"`
	// Since is when it opened first since it was last closed, RetryAt when a probe goes through, by itself or
	// in place of one that was not heard of again. Both are nil while it is closed.
	Since   *time.Time `json:"since"`
	RetryAt *time.Time `json:"retryAt"`
	// Openings is how often it opened since it was last closed; Failures how many calls of late have failed while it is closed.
	Openings int `json:"openings"`
	Failures int `json:"failures"`
}

// Circuits are those of one deployment.
type Circuits struct {
	// Log returns where a service keeps its circuits.
	Log   func(service string) resilience.CircuitLog
	Clock clock.Clock
	IDs   ids.Source
}

// dependencies are what each service calls.
var dependencies = []Circuit{
	{Service: "gateway", Dependency: string(gateway.Inventory)}, {Service: "gateway", Dependency: string(gateway.Orders)},
	{Service: "gateway", Dependency: string(gateway.Payments)}, {Service: "gateway", Dependency: string(gateway.Shipping)},
	{Service: "payments", Dependency: provider.Name}, {Service: "shipping", Dependency: carrier.Name},
}

// ErrNoCircuit: nothing of this name is called.
var ErrNoCircuit = errors.New("there is no such circuit")

// List returns all of them, by service and dependency.
func (c Circuits) List(ctx context.Context) ([]Circuit, error) {
	all := slices.Clone(dependencies)
	for i := range all {
		found, err := c.Find(ctx, all[i].Dependency)
		if err != nil {
			return nil, err
		}
		all[i] = found
	}
	return all, nil
}

// Find returns the circuit of a dependency, or ErrNoCircuit.
func (c Circuits) Find(ctx context.Context, dependency string) (Circuit, error) {
	i := slices.IndexFunc(dependencies, func(d Circuit) bool { return d.Dependency == dependency })
	if i < 0 {
		return Circuit{}, fmt.Errorf("%w: %s", ErrNoCircuit, dependency)
	}
	found := dependencies[i]
	kept, err := c.Log(found.Service).Circuit(ctx, dependency)
	if err != nil {
		return found, fmt.Errorf("the circuit %s of %s: %w", dependency, found.Service, err)
	}
	found.State, found.Openings = kept.State, kept.Openings
	if kept.State == resilience.Closed && c.Clock.Now().Before(kept.WindowEnds) {
		found.Failures = len(kept.Failed)
	}
	found.Since, found.RetryAt = known(kept.Since), known(kept.RetryAt)
	if kept.State == resilience.HalfOpen {
		found.RetryAt = known(kept.ProbeEnds)
	}
	return found, nil
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Reset closes the circuit of a dependency; resilience.ErrClosed if it is closed, ErrNoCircuit if there is none.
func (c Circuits) Reset(ctx context.Context, dependency string) error {
	found, err := c.Find(ctx, dependency)
	if err != nil {
		return err
	}
	_, err = resilience.Reset(ctx, c.Log(found.Service), dependency, envelope.Publisher{Service: found.Service, Clock: c.Clock, IDs: c.IDs})
	return err
}
