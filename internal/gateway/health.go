package gateway

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/health"
)

// Watched are services that tell how they are. Both methods return soon after ctx ends.
type Watched interface {
	// Ready returns nil if b says that it is ready, asking as nobody.
	Ready(ctx context.Context, b Backend) error
	// Inspect returns the parts of b's health, asking with the caller's own Authorization header.
	Inspect(ctx context.Context, b Backend, authorization string) (health.Report, error)
}

// Health is the edge's use cases about health.
type Health struct {
	watched Watched
	clock   clock.Clock
	own     *health.Set
	ready   *health.Set
}

// NewHealth returns the use cases over the services; own are the edge's own parts.
func NewHealth(w Watched, c clock.Clock, own *health.Set) *Health {
	checks := make([]health.Check, len(Serving))
	for i, b := range Serving {
		checks[i] = health.Check{Name: string(b), Probe: func(ctx context.Context) error { return w.Ready(ctx, b) }}
	}
	return &Health{watched: w, clock: c, own: own, ready: health.New(c, checks...).Within(HealthTimeout, HealthTimeout+Margin)}
}
