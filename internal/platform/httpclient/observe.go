package httpclient

import (
	"context"
	"log/slog"

	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/resilience"
)

// observeCircuit records the circuit's state before or after a call, unless it is closed: a log
// line for each call would be noise. err says why the call was refused or must not be retried.
func (c *Client) observeCircuit(ctx context.Context, admission resilience.Admission, err error) {
	name := resilience.Closed
	record := func(state float64) {
		metrics.Gauge(ctx, metrics.BreakerState, state, metrics.Dependency(c.c.Dependency))
	}
	switch {
	case err != nil:
		name = resilience.Open
		record(metrics.BreakerOpen)
	case admission.Probe:
		name = resilience.HalfOpen
		record(metrics.BreakerHalfOpen)
	}
	slog.DebugContext(ctx, "circuit", "dependency", c.c.Dependency, "state", string(name))
}
