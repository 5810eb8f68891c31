package httpclient

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/resilience"
)

// observeCircuit records the circuit's state before or after a call. err says why the call was
// refused or must not be retried.
func (c *Client) observeCircuit(ctx context.Context, admission resilience.Admission, err error) {
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
