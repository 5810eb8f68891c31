package client

import (
	"context"
	"net/http"
	"time"
)

// Health is what works and what does not: pass, warn (degraded) or fail, the worst of its services'.
type Health struct {
	Status   string          `json:"status"`
	Services []ServiceHealth `json:"services"`
}

// ServiceHealth is what a service says of itself.
type ServiceHealth struct {
	ServiceID string `json:"serviceId"`
	Status    string `json:"status"`
	// Code tells why it said nothing.
	Code string `json:"code,omitempty"`
	// Time is when it looked; zero where it said nothing.
	Time time.Time `json:"time,omitzero"`
	// TookMs is how long it took to answer, in milliseconds.
	TookMs int64         `json:"tookMs"`
	Checks []HealthCheck `json:"checks"`
}

// HealthCheck is one part of a service.
type HealthCheck struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	// Code tells what is wrong.
	Code string `json:"code,omitempty"`
	// TookMs is how long the check took, in milliseconds.
	TookMs int64 `json:"tookMs"`
}

// Ready returns nil if the system says that it is ready; else the *Problem has status 503.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.Do(ctx, Call{Method: http.MethodGet, Path: "/health/ready"}, nil)
	return err
}

// Health asks for all parts of all services. Operators only.
func (c *Client) Health(ctx context.Context) (Health, error) {
	return send[Health](ctx, c, Call{Method: http.MethodGet, Path: "/v1/health"})
}
