package client

import (
	"context"
	"net/http"
	"time"
)

// Health is the health of the system. Status is pass, warn (degraded) or fail: the worst of its
// services.
type Health struct {
	Status   string          `json:"status"`
	Services []ServiceHealth `json:"services"`
}

// ServiceHealth is a service's own report.
type ServiceHealth struct {
	ServiceID string `json:"serviceId"`
	Status    string `json:"status"`
	// Code says why there is no report.
	Code string `json:"code,omitempty"`
	// Time is the time of the checks; zero if there is no report.
	Time time.Time `json:"time,omitzero"`
	// TookMs is how long the service took to answer, in milliseconds.
	TookMs int64         `json:"tookMs"`
	Checks []HealthCheck `json:"checks"`
}

// HealthCheck is the check of one dependency.
type HealthCheck struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	// Code says what is wrong.
	Code string `json:"code,omitempty"`
	// TookMs is how long the check took, in milliseconds.
	TookMs int64 `json:"tookMs"`
}

// Ready returns nil if the system is ready. If not, the error is a *Problem with status 503.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: "/health/ready"}, nil)
	return err
}

// Health reads the health of all services. Operators only.
func (c *Client) Health(ctx context.Context) (Health, error) {
	return send[Health](ctx, c, Call{Method: http.MethodGet, Path: "/v1/health"})
}
