package gateway

import (
	"context"
	"log/slog"
	"sync"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/health"
)

// SystemHealth is the health of all services, for operators.
type SystemHealth struct {
	// Status is the worst status of a service.
	Status   health.Status   `json:"status"`
	Services []ServiceHealth `json:"services"`
}

// ServiceHealth is a service's report, or the reason why it is missing.
type ServiceHealth struct {
	ServiceID Backend       `json:"serviceId"`
	Status    health.Status `json:"status"`
	// Code is why the report is missing; empty if it is not.
	Code string `json:"code,omitempty"`
	// Time is when the service started its checks; zero if the report is missing.
	Time clock.Stamp `json:"time,omitzero"`
	// TookMs is the duration of the call in milliseconds.
	TookMs int64            `json:"tookMs"`
	Checks []health.Outcome `json:"checks"`
}

// self is the gateway's own entry among the services.
const self Backend = "gateway"

// InspectHealth gets the reports of all services concurrently with the caller's Authorization
// header: each checks itself what the caller may see. A service that does not answer is an entry
// with a code.
func (h *Health) InspectHealth(ctx context.Context, authorization string) SystemHealth {
	ctx, cancel := bounded(ctx, HealthTimeout)
	defer cancel()
	services := make([]ServiceHealth, len(AllBackends)+1)
	var wg sync.WaitGroup
	wg.Go(func() {
		services[0] = h.timed(ctx, self, func() (health.Report, error) { return h.own.Report(ctx), nil })
	})
	for i, b := range AllBackends {
		wg.Go(func() {
			services[i+1] = h.timed(ctx, b, func() (health.Report, error) {
				return h.backends.Inspect(ctx, b, authorization)
			})
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
		slog.WarnContext(ctx, "a service's health report is missing", "service", string(b), "error", err.Error())
		return ServiceHealth{
			ServiceID: b, Status: health.Fail, Code: health.Code(err), TookMs: took, Checks: []health.Outcome{},
		}
	}
	return ServiceHealth{ServiceID: b, Status: r.Status, Time: r.Time, TookMs: took, Checks: r.Checks}
}
