package httpapi

import (
	"net/http"
	"strconv"

	"orderflow/internal/platform/health"
)

// Health answers with the public form of a report: 200, or 503 if it fails.
func Health(r health.Report) Response {
	res := OK(r.Public())
	if r.Public().Status == health.Fail {
		res.Status = http.StatusServiceUnavailable
		res.Header = map[string]string{"Retry-After": strconv.Itoa(int(health.Fresh.Seconds()))}
	}
	return res
}
