package httpclient

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/resilience"
)

// found counts how a call found the circuit, or left it: err is why it was not let through, or must not be
// repeated.
func (c *Client) found(ctx context.Context, admission resilience.Admission, err error) {
	state, name := metrics.BreakerClosed, resilience.Closed
	switch {
	case err != nil:
		state, name = metrics.BreakerOpen, resilience.Open
	case admission.Probe:
		state, name = metrics.BreakerHalfOpen, resilience.HalfOpen
	}
	metrics.Gauge(ctx, metrics.BreakerState, float64(state), metrics.Dependency(c.c.Dependency))
	slog.DebugContext(ctx, "circuit", "dependency", c.c.Dependency, "state", string(name))
}
