// Package readiness makes the check-<service> function of every service with an API. It checks what
// the service needs, and reports whether the service is ready and, to operators, which check fails.
// Only mains import it, because it links clients that the service's other functions do not need.
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

// Service is a service's report for operators.
type Service struct {
	ID string `json:"serviceId"` // the service's name
	health.Report
}

// Check makes check-<service>, which checks the service's table, its topic and needs.
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

// Handle returns the function that serves two operations from the same results: check<Service> for
// everybody, and inspect<Service> for operators.
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
