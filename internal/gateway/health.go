package gateway

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/health"
)

// HealthBackends calls the services' health operations. Both methods return soon after ctx ends.
type HealthBackends interface {
	// Ready calls b without a token. It returns nil if b is ready.
	Ready(ctx context.Context, b Backend) error
	// Inspect returns b's health report. It sends the caller's Authorization header.
	Inspect(ctx context.Context, b Backend, authorization string) (health.Report, error)
}

// Health implements the gateway's use cases about health.
type Health struct {
	backends HealthBackends
	clock    clock.Clock
	own      *health.Set
	ready    *health.Set
}

// NewHealth returns the use cases. own are the gateway's own checks.
func NewHealth(backends HealthBackends, c clock.Clock, own *health.Set) *Health {
	checks := make([]health.Check, len(AllBackends))
	for i, b := range AllBackends {
		probe := func(ctx context.Context) error { return backends.Ready(ctx, b) }
		checks[i] = health.Check{Name: string(b), Probe: probe}
	}
	ready := health.New(c, checks...).Within(HealthTimeout, HealthTimeout+Margin)
	return &Health{backends: backends, clock: c, own: own, ready: ready}
}
