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

// watched are services that are ready and pass, but for those that trouble names.
type watched struct {
	trouble map[gateway.Backend]func(context.Context) (health.Report, error)

	mu    sync.Mutex
	asked []string
}

func (w *watched) Ready(ctx context.Context, b gateway.Backend) error {
	r, err := w.Inspect(ctx, b, "nobody")
	if err == nil && r.Status == health.Fail {
		err = errors.New("10.0.0.1 answered 503")
	}
	return err
}

func (w *watched) Inspect(ctx context.Context, b gateway.Backend, authorization string) (health.Report, error) {
	w.mu.Lock()
	w.asked = append(w.asked, authorization)
	w.mu.Unlock()
	if trouble := w.trouble[b]; trouble != nil {
		return trouble(ctx)
	}
	return health.Report{Status: health.Pass, Time: looked, Checks: []health.Outcome{{Name: "table", Status: health.Pass, TookMs: 3}}}, nil
}

var looked = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func silent(ctx context.Context) (health.Report, error) {
	<-ctx.Done()
	return health.Report{}, fault.New(fault.Transient, "DependencyUnavailable", "10.0.0.1").Because(ctx.Err())
}

func says(status health.Status, checks ...health.Outcome) func(context.Context) (health.Report, error) {
	return func(context.Context) (health.Report, error) {
		return health.Report{Status: status, Time: looked, Checks: checks}, nil
	}
}

// own are the edge's own parts, one of them degraded.
func own() *health.Set {
	return health.New(clock.System{}, health.Check{Name: "breaker:orders", Probe: func(context.Context) error {
		return health.Degraded(fault.New(fault.Transient, "CircuitOpen", "not asked"))
	}})
}

func nothing() *health.Set { return health.New(clock.System{}) }

func TestReadyIfEveryServiceIs(t *testing.T) {
	w := &watched{trouble: map[gateway.Backend]func(context.Context) (health.Report, error){gateway.Shipping: says(health.Warn)}}
	r := gateway.NewHealth(w, clock.System{}, own()).CheckReadiness(t.Context())
	if r.Status != health.Pass || len(r.Checks) != 5 || !slices.Equal(w.asked, []string{"nobody", "nobody", "nobody", "nobody", "nobody"}) {
		t.Errorf("%+v after asking as %v", r, w.asked)
	}
}

func TestNotReadyIfOneServiceIsNotOrDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for b, trouble := range map[gateway.Backend]func(context.Context) (health.Report, error){
			gateway.Payments: says(health.Fail), gateway.Catalog: silent,
		} {
			begin := time.Now()
			w := &watched{trouble: map[gateway.Backend]func(context.Context) (health.Report, error){b: trouble}}
			r := gateway.NewHealth(w, clock.System{}, nothing()).CheckReadiness(t.Context())
			if r.Public().Status != health.Fail || time.Since(begin) > gateway.HealthTimeout {
				t.Errorf("%s: %+v after %s", b, r, time.Since(begin))
			}
		}
	})
}

func TestServicesAreNotAskedAgainForAWhile(t *testing.T) {
	w, now := &watched{}, clock.At(looked)
	h := gateway.NewHealth(w, now, nothing())
	for range 3 {
		h.CheckReadiness(t.Context())
	}
	if len(w.asked) != 5 {
		t.Errorf("asked %d times", len(w.asked))
	}
	now.Advance(health.Fresh)
	if h.CheckReadiness(t.Context()); len(w.asked) != 10 {
		t.Errorf("asked %d times after %s", len(w.asked), health.Fresh)
	}
}

func TestOperatorsSeeWhichPartOfWhichServiceFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &watched{trouble: map[gateway.Backend]func(context.Context) (health.Report, error){
			gateway.Payments: says(health.Fail, health.Outcome{Name: "registry:payment-provider", Status: health.Fail, Code: "ServiceUnknown", TookMs: 9}),
			gateway.Catalog:  silent,
			gateway.Shipping: func(context.Context) (health.Report, error) {
				return health.Report{}, fault.New(fault.Forbidden, "Forbidden", "10.0.0.1 says no")
			},
		}}
		begin := time.Now()
		got := gateway.NewHealth(w, clock.System{}, own()).InspectHealth(t.Context(), "Bearer me")
		if took := time.Since(begin); took != gateway.HealthTimeout {
			t.Errorf("took %s", took)
		}
		b, err := json.Marshal(got)
		const passes = `"time":"2026-11-23T09:00:00Z","tookMs":0,"checks":[{"name":"table","status":"pass","tookMs":3}]}`
		want := `{"status":"fail","services":[` +
			`{"serviceId":"gateway","status":"warn","time":"2000-01-01T00:00:00Z","tookMs":0,"checks":[{"name":"breaker:orders","status":"warn","code":"CircuitOpen","tookMs":0}]},` +
			`{"serviceId":"orders","status":"pass",` + passes + `,` +
			`{"serviceId":"payments","status":"fail","time":"2026-11-23T09:00:00Z","tookMs":0,"checks":[{"name":"registry:payment-provider","status":"fail","code":"ServiceUnknown","tookMs":9}]},` +
			`{"serviceId":"inventory","status":"pass",` + passes + `,` +
			`{"serviceId":"shipping","status":"fail","code":"Forbidden","tookMs":0,"checks":[]},` +
			`{"serviceId":"catalog","status":"fail","code":"Timeout","tookMs":2000,"checks":[]}]}`
		if err != nil || string(b) != want {
			t.Errorf("%s, %v, want\n%s", b, err, want)
		}
		if !slices.Equal(w.asked, []string{"Bearer me", "Bearer me", "Bearer me", "Bearer me", "Bearer me"}) {
			t.Errorf("asked as %v", w.asked)
		}
	})
}

func TestNothingOfAServicesHealthIsKeptForTheNextOperator(t *testing.T) {
	w := &watched{}
	h := gateway.NewHealth(w, clock.System{}, nothing())
	h.InspectHealth(t.Context(), "Bearer me")
	w.trouble = map[gateway.Backend]func(context.Context) (health.Report, error){gateway.Orders: says(health.Warn)}
	if got := h.InspectHealth(t.Context(), "Bearer you"); got.Status != health.Warn || len(w.asked) != 10 {
		t.Errorf("%+v after asking %d times", got, len(w.asked))
	}
}
