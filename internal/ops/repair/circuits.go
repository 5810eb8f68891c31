package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/oldshop"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/shipping/carrier"
)

// Circuit is the state of a service's circuit breaker for one of its dependencies.
type Circuit struct {
	Service    string           `json:"service"`
	Dependency string           `json:"dependency"`
	State      resilience.State `json:"state"`
	// Since is when it first opened after it was last closed. RetryAt is when the next probe is
	// allowed; while one is running, when it counts as lost. Both are nil while it is closed.
	Since   *time.Time `json:"since"`
	RetryAt *time.Time `json:"retryAt"`
	// Openings counts how often it has opened since it was last closed.
	Openings int `json:"openings"`
	// Failures counts the recent failed calls of a closed circuit.
	Failures int `json:"failures"`
	// OpenedLastHour counts its openings within an hour, and LastOpened is when it last opened,
	// even if it has closed since; nil if that is not known.
	OpenedLastHour int        `json:"openedLastHour"`
	LastOpened     *time.Time `json:"lastOpened"`
}

// Circuits are the circuit breakers of a deployment.
type Circuits struct {
	// Log returns the circuits of a service.
	Log   func(service string) resilience.CircuitLog
	Clock clock.Clock
	IDs   ids.Source
}

// dependencies lists what the functions of each service call.
var dependencies = []Circuit{
	{Service: "gateway", Dependency: string(gateway.Catalog)},
	{Service: "gateway", Dependency: string(gateway.Inventory)},
	{Service: "gateway", Dependency: oldshop.Name},
	{Service: "gateway", Dependency: string(gateway.Orders)},
	{Service: "gateway", Dependency: string(gateway.Payments)},
	{Service: "gateway", Dependency: string(gateway.Shipping)},
	{Service: "payments", Dependency: provider.Name},
	{Service: "shipping", Dependency: carrier.Name},
}

// ErrNoCircuit says that no service has a dependency of this name.
var ErrNoCircuit = errors.New("no such circuit")

// List returns all of them, sorted by service and dependency.
func (c Circuits) List(ctx context.Context) ([]Circuit, error) {
	all := slices.Clone(dependencies)
	return all, concurrent.Do(len(all), atOnce, func(i int) (err error) {
		all[i], err = c.Find(ctx, all[i].Dependency)
		return err
	})
}

// Find returns the circuit of a dependency, or ErrNoCircuit.
func (c Circuits) Find(ctx context.Context, dependency string) (Circuit, error) {
	i := slices.IndexFunc(dependencies, func(d Circuit) bool { return d.Dependency == dependency })
	if i < 0 {
		return Circuit{}, fmt.Errorf("%w: %s", ErrNoCircuit, dependency)
	}
	found := dependencies[i]
	stored, err := c.Log(found.Service).Circuit(ctx, dependency)
	if err != nil {
		return found, fmt.Errorf("circuit %s of %s: %w", dependency, found.Service, err)
	}
	found.State, found.Openings = stored.State, stored.Openings
	if stored.State == resilience.Closed && c.Clock.Now().Before(stored.WindowEnds) {
		found.Failures = len(stored.Failed)
	}
	found.Since, found.RetryAt = nilIfZero(stored.Since), nilIfZero(stored.RetryAt)
	if stored.State == resilience.HalfOpen {
		found.RetryAt = nilIfZero(stored.ProbeEnds)
	}
	for _, at := range stored.Opened {
		if found.LastOpened = &at; c.Clock.Now().Sub(at) < time.Hour {
			found.OpenedLastHour++
		}
	}
	return found, nil
}

func nilIfZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Reset closes the circuit of a dependency. It returns resilience.ErrClosed if it is already
// closed, and ErrNoCircuit if there is none.
func (c Circuits) Reset(ctx context.Context, dependency string) error {
	found, err := c.Find(ctx, dependency)
	if err != nil {
		return err
	}
	publisher := envelope.Publisher{Service: found.Service, Clock: c.Clock, IDs: c.IDs}
	_, err = resilience.Reset(ctx, c.Log(found.Service), dependency, publisher)
	return err
}
