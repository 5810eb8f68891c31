package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/platform/health"
)

// SystemHealth is what works and what does not, for operators.
type SystemHealth struct {
	// Status is the worst of all services'.
	Status   health.Status   `json:"status"`
	Services []ServiceHealth `json:"services"`
}

// ServiceHealth is what a service says of itself, or why it says nothing.
type ServiceHealth struct {
	ServiceID Backend       `json:"serviceId"`
	Status    health.Status `json:"status"`
	// Code tells why the service did not answer; empty where it did.
	Code string `json:"code,omitempty"`
	// Time is when the service looked; zero where it did not answer.
	Time time.Time `json:"time,omitzero"`
	// TookMs is how long the service took to answer, in milliseconds.
	TookMs int64            `json:"tookMs"`
	Checks []health.Outcome `json:"checks"`
}

// self is the edge itself among the services.
const self Backend = "gateway"

// InspectHealth asks all services at once for the parts of their health, with the caller's Authorization header: each of them
// checks itself who may know. A service that does not answer is an entry and costs the caller nothing else.
func (h *Health) InspectHealth(ctx context.Context, authorization string) SystemHealth {
	ctx, cancel := bounded(ctx, HealthTimeout)
	defer cancel()
	services := make([]ServiceHealth, len(Serving)+1)
	var wg sync.WaitGroup
	wg.Go(func() {
		services[0] = h.timed(ctx, self, func() (health.Report, error) { return h.own.Report(ctx), nil })
	})
	for i, b := range Serving {
		wg.Go(func() {
			services[i+1] = h.timed(ctx, b, func() (health.Report, error) { return h.watched.Inspect(ctx, b, authorization) })
		})
	}
	wg.Wait()
	all := SystemHealth{Status: health.Pass, Services: services}
	for _, s := range services {
		all.Status = health.Worst(all.Status, s.Status)
	}
	return all
}

func (h *Health) timed(ctx context.Context, b Backend, inspect func() (health.Report, error)) ServiceHealth {
	begin := h.clock.Now()
	r, err := inspect()
	took := h.clock.Now().Sub(begin).Milliseconds()
	if err != nil {
		slog.WarnContext(ctx, "a service does not tell of its health", "service", string(b), "error", err.Error())
		return ServiceHealth{ServiceID: b, Status: health.Fail, Code: health.Code(err), TookMs: took, Checks: []health.Outcome{}}
	}
	return ServiceHealth{ServiceID: b, Status: r.Status, Time: r.Time, TookMs: took, Checks: r.Checks}
}
