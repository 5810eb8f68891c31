package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
)

type inspect = func(context.Context) (health.Report, error)

// backends are services that pass, except those with another result.
type backends struct {
	results map[gateway.Backend]inspect

	mu    sync.Mutex
	calls []string // the Authorization header of each call
}

func (s *backends) Ready(ctx context.Context, b gateway.Backend) error {
	r, err := s.Inspect(ctx, b, "nobody")
	if err == nil && r.Status == health.Fail {
		err = errors.New("10.0.0.1 answered 503")
	}
	return err
}

func (s *backends) Inspect(ctx context.Context, b gateway.Backend, authorization string) (health.Report, error) {
	s.mu.Lock()
	s.calls = append(s.calls, authorization)
	s.mu.Unlock()
	if result := s.results[b]; result != nil {
		return result(ctx)
	}
	return report(health.Pass, health.Outcome{Name: "table", Status: health.Pass, TookMs: 3})(ctx)
}

var checkedAt = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func timesOut(ctx context.Context) (health.Report, error) {
	<-ctx.Done()
	return health.Report{}, fault.New(fault.Transient, "DependencyUnavailable", "10.0.0.1").Because(ctx.Err())
}

func report(status health.Status, checks ...health.Outcome) inspect {
	return func(context.Context) (health.Report, error) {
		return health.Report{Status: status, Time: clock.Stamp{Time: checkedAt}, Checks: checks}, nil
	}
}

// openCircuit is the gateway's own checks with an open circuit.
func openCircuit() *health.Set {
	return health.New(clock.System{}, health.Check{Name: "breaker:orders", Probe: func(context.Context) error {
		return health.Degraded(fault.New(fault.Transient, "CircuitOpen", "the circuit is open"))
	}})
}

func noChecks() *health.Set { return health.New(clock.System{}) }

func TestReadyIfEveryServiceIsReady(t *testing.T) {
	s := &backends{results: map[gateway.Backend]inspect{gateway.Shipping: report(health.Warn)}}
	r := gateway.NewHealth(s, clock.System{}, openCircuit()).CheckReadiness(t.Context())
	if r.Status != health.Pass || len(r.Checks) != 5 || !slices.Equal(s.calls, slices.Repeat([]string{"nobody"}, 5)) {
		t.Errorf("%+v after calls as %v", r, s.calls)
	}
}

func TestNotReadyIfAServiceFailsOrTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for b, result := range map[gateway.Backend]inspect{
			gateway.Payments: report(health.Fail), gateway.Catalog: timesOut,
		} {
			begin := time.Now()
			s := &backends{results: map[gateway.Backend]inspect{b: result}}
			r := gateway.NewHealth(s, clock.System{}, noChecks()).CheckReadiness(t.Context())
			if r.Public().Status != health.Fail || time.Since(begin) > gateway.HealthTimeout {
				t.Errorf("%s: %+v after %s", b, r, time.Since(begin))
			}
		}
	})
}

func TestReadinessIsCached(t *testing.T) {
	s, now := &backends{}, clock.At(checkedAt)
	h := gateway.NewHealth(s, now, noChecks())
	for range 3 {
		h.CheckReadiness(t.Context())
	}
	if len(s.calls) != 5 {
		t.Errorf("%d calls", len(s.calls))
	}
	now.Advance(health.Fresh)
	if h.CheckReadiness(t.Context()); len(s.calls) != 10 {
		t.Errorf("%d calls after %s", len(s.calls), health.Fresh)
	}
}

func TestOperatorsSeeWhichPartOfWhichServiceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noProvider := health.Outcome{
			Name: "registry:payment-provider", Status: health.Fail, Code: "ServiceUnknown", TookMs: 9,
		}
		s := &backends{results: map[gateway.Backend]inspect{
			gateway.Payments: report(health.Fail, noProvider),
			gateway.Catalog:  timesOut,
			gateway.Shipping: func(context.Context) (health.Report, error) {
				return health.Report{}, fault.New(fault.Forbidden, "Forbidden", "10.0.0.1 says no")
			},
		}}
		begin := time.Now()
		got := gateway.NewHealth(s, clock.System{}, openCircuit()).InspectHealth(t.Context(), "Bearer me")
		if took := time.Since(begin); took != gateway.HealthTimeout {
			t.Errorf("took %s", took)
		}
		b, err := json.Marshal(got)
		const passes = `"time":"2026-11-23T09:00:00.000Z","tookMs":0,"checks":[` +
			`{"name":"table","status":"pass","tookMs":3}]}`
		want := `{"status":"fail","services":[` +
			`{"serviceId":"gateway","status":"warn","time":"2000-01-01T00:00:00.000Z","tookMs":0,"checks":[` +
			`{"name":"breaker:orders","status":"warn","code":"CircuitOpen","tookMs":0}]},` +
			`{"serviceId":"orders","status":"pass",` + passes + `,` +
			`{"serviceId":"payments","status":"fail","time":"2026-11-23T09:00:00.000Z","tookMs":0,"checks":[` +
			`{"name":"registry:payment-provider","status":"fail","code":"ServiceUnknown","tookMs":9}]},` +
			`{"serviceId":"inventory","status":"pass",` + passes + `,` +
			`{"serviceId":"shipping","status":"fail","code":"Forbidden","tookMs":0,"checks":[]},` +
			`{"serviceId":"catalog","status":"fail","code":"Timeout","tookMs":2000,"checks":[]}]}`
		if err != nil || string(b) != want {
			t.Errorf("%s, %v, want\n%s", b, err, want)
		}
		if !slices.Equal(s.calls, slices.Repeat([]string{"Bearer me"}, 5)) {
			t.Errorf("calls as %v", s.calls)
		}
	})
}

func TestTheServicesHealthIsNotCachedForOperators(t *testing.T) {
	s := &backends{}
	h := gateway.NewHealth(s, clock.System{}, noChecks())
	h.InspectHealth(t.Context(), "Bearer me")
	s.results = map[gateway.Backend]inspect{gateway.Orders: report(health.Warn)}
	if got := h.InspectHealth(t.Context(), "Bearer you"); got.Status != health.Warn || len(s.calls) != 10 {
		t.Errorf("%+v after %d calls", got, len(s.calls))
	}
}
