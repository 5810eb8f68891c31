package handler

import (
	"context"
	"errors"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/awsjson"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/registry"
)

// legacyRoutes returns the table of routes in the parameter LEGACY_ROUTES.
func legacyRoutes(env *function.Env) *strangler.Source {
	read := registry.Parameter(env.AWS(), env.Require("LEGACY_ROUTES"), env.Clock)
	return strangler.NewSource(func(ctx context.Context) (string, error) {
		text, err := read(ctx)
		var refused *awsjson.Error
		if errors.As(err, &refused) && refused.Code == "ParameterNotFound" {
			err = strangler.ErrNoTable
		}
		return text, err
	}, env.Clock, LegacyMonitor{})
}

// LegacyMonitor counts what operators should know about the old interface.
type LegacyMonitor struct{}

// FellBack counts a request; see strangler.Monitor.
func (LegacyMonitor) FellBack(ctx context.Context, r strangler.Route) {
	metrics.Count(ctx, metrics.LegacyFallbacks, 1, metrics.Route(string(r)))
}

// BadTable counts a failed read; see strangler.Monitor.
func (LegacyMonitor) BadTable(ctx context.Context) { metrics.Count(ctx, metrics.BadLegacyRoutes, 1) }
