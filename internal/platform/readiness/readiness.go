// Package readiness composes the check-… function that every service with an API of its own has: the checks of what the service
// needs, shown to anybody as ready or not, and to operators part by part.
package readiness

import (
	"context"
	"net/http"
	"strconv"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpapi"
)

// Service is a service's report, as operators see it.
type Service struct {
	// ID is the service's name.
	ID string `json:"serviceId"`
	health.Report
}

// Handle returns the function that serves public, the operation that anybody may call, and parts, the one for operators. Both tell of
// the same look. That only operators get at the parts is the contract's: the operation says who may call it.
func Handle(service, public, parts string, set *health.Set) function.Handler {
	return httpapi.Route(map[string]httpapi.HandlerFunc{
		public: func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			return Answer(set.Report(ctx)), nil
		},
		parts: func(ctx context.Context, _ *httpapi.Request) (httpapi.Response, error) {
			return httpapi.OK(Service{service, set.Report(ctx)}), nil
		},
	})
}

// Answer is what anybody is told of a report: 200 or 503, and no part.
func Answer(r health.Report) httpapi.Response {
	res := httpapi.OK(r.Public())
	if r.Public().Status == health.Fail {
		res.Status = http.StatusServiceUnavailable
		res.Header = map[string]string{"Retry-After": strconv.Itoa(int(health.Fresh.Seconds()))}
	}
	return res
}
