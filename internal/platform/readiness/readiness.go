// Package readiness composes the check-<service> function of every service with an API: it checks
// what the service needs, and tells anybody whether it is ready and operators which part fails.
// Only mains import it, since it links clients that no other function of a service has.
package readiness

import (
	"context"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbox/snstopic"
)

// Service is a service's report, as operators see it.
type Service struct {
	// ID is the service's name.
	ID string `json:"serviceId"`
	health.Report
}

// Check composes check-<service>. It checks the service's table and topic, and the needs given.
func Check(service string, needs ...Need) func(*function.Env) function.Handler {
	return func(env *function.Env) function.Handler {
		table := ddb.FromEnv(env)
		checks := []health.Check{Table(table), Topic(snstopic.FromEnv(env))}
		for _, need := range needs {
			checks = append(checks, need(env, table)...)
		}
		return Handle(service, health.New(env.Clock, checks...))
	}
}

// Handle returns the function that serves two operations over the same results: check<Service>,
// which anybody may call, and inspect<Service>, which the contract opens to operators only.
func Handle(service string, set *health.Set) function.Handler {
	name := casing.Camel(service)
	return httpapi.Route(map[string]httpapi.HandlerFunc{
		"check" + name: func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			return httpapi.Health(set.Report(ctx)), nil
		},
		"inspect" + name: func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(Service{service, set.Report(ctx)}), nil
		},
	})
}
