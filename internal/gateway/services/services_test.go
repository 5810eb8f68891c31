package services_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/tracing"
)

const (
	order       = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

// behind returns services that are all served by one handler.
func behind(t *testing.T, h http.HandlerFunc) services.Services {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return at(registry.Fixed{"orders": server.URL, "payments": server.URL, "inventory": server.URL, "shipping": server.URL, "catalog": server.URL})
}

func at(r registry.Fixed) services.Services {
	return services.New(func(string) httpclient.Config {
		return httpclient.Config{Endpoints: r, Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}}
	})
}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestEachServiceIsAskedByItsContractAsTheCaller(t *testing.T) {
	var seen *http.Request
	s := behind(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		answers(http.StatusOK, `{"orderId":"`+order+`","more":[1]}`)(w, r)
	})
	ctx := tracing.With(t.Context(), traceparent)
	for b, path := range map[gateway.Backend]string{
		gateway.Orders:    "/v1/orders/" + order,
		gateway.Payments:  "/v1/payments/order/" + order,
		gateway.Inventory: "/v1/reservations/order/" + order,
		gateway.Shipping:  "/v1/shipments/order/" + order,
	} {
		part, err := s.Get(ctx, b, order, "Bearer me")
		if err != nil || string(part) != `{"orderId":"`+order+`","more":[1]}` {
			t.Errorf("%s: %s, %v", b, part, err)
		}
		if seen.Method != http.MethodGet || seen.URL.Path != path {
			t.Errorf("%s: %s %s, want GET %s", b, seen.Method, seen.URL.Path, path)
		}
		if seen.Header.Get("Authorization") != "Bearer me" || seen.Header.Get("traceparent") != traceparent {
			t.Errorf("%s: header %v", b, seen.Header)
		}
	}
}

func TestANoComesInTheWordsOfTheService(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
		code   string
		detail string
	}{
		"not found":             {404, `{"code":"PaymentNotFound","detail":"there is no payment"}`, fault.NotFound, "PaymentNotFound", "there is no payment"},
		"unauthenticated":       {401, `{"code":"Unauthenticated","detail":"expired"}`, fault.Unauthenticated, "Unauthenticated", "expired"},
		"forbidden":             {403, `{"code":"Forbidden","detail":"no"}`, fault.Forbidden, "Forbidden", "no"},
		"no document":           {404, `<html>`, fault.NotFound, "NotFound", "Not Found"},
		"a code of 64 letters":  {404, `{"code":"` + strings.Repeat("A", 64) + `","detail":"d"}`, fault.NotFound, strings.Repeat("A", 64), "d"},
		"a code of 65 letters":  {404, `{"code":"` + strings.Repeat("A", 65) + `","detail":"d"}`, fault.NotFound, "NotFound", "d"},
		"a code with %":         {404, `{"code":"100% odd","detail":"%s"}`, fault.NotFound, "NotFound", "%s"},
		"a document of nothing": {403, `{}`, fault.Forbidden, "Forbidden", "Forbidden"},
	} {
		_, err := behind(t, answers(c.status, c.body)).Get(t.Context(), gateway.Payments, order, "")
		got := fault.From(err)
		if got.Kind != c.kind || got.Code != c.code || got.Detail != c.detail {
			t.Errorf("%s: %d %s %q", name, got.Kind, got.Code, got.Detail)
		}
	}
}

func TestWhatIsNoAnswerIsAFailure(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"fault":         {500, `{"code":"NotFound"}`},
		"throttled":     {429, ``},
		"bad gateway":   {502, `<html>`},
		"redirect":      {302, ``},
		"bad request":   {400, `{"code":"InvalidRequest"}`},
		"no JSON":       {200, `<html>`},
		"null":          {200, `null`},
		"a list":        {200, `[]`},
		"nothing":       {200, ``},
		"another order": {200, `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RX"}`},
	} {
		part, err := behind(t, answers(c.status, c.body)).Get(t.Context(), gateway.Payments, order, "")
		if k := fault.KindOf(err); err == nil || part != nil || (k != fault.Transient && k != fault.Internal) {
			t.Errorf("%s: %s, %v", name, part, err)
		}
	}
}

func TestAServiceWithoutAddressIsAFailure(t *testing.T) {
	s := at(registry.Fixed{})
	if _, err := s.Get(t.Context(), gateway.Orders, order, ""); fault.From(err).Code != "ServiceUnknown" {
		t.Errorf("get: %v", err)
	}
	if err := s.Ready(t.Context(), gateway.Orders); fault.From(err).Code != "ServiceUnknown" {
		t.Errorf("ready: %v", err)
	}
	if _, err := s.Inspect(t.Context(), gateway.Orders, ""); fault.From(err).Code != "ServiceUnknown" {
		t.Errorf("inspect: %v", err)
	}
}

func TestReadinessIsAskedForAnonymously(t *testing.T) {
	for _, b := range gateway.Serving {
		var seen *http.Request
		s := behind(t, func(w http.ResponseWriter, r *http.Request) {
			seen = r
			answers(http.StatusOK, `{"status":"pass"}`)(w, r)
		})
		if err := s.Ready(t.Context(), b); err != nil || seen.URL.Path != "/health/"+string(b) || seen.Header.Get("Authorization") != "" {
			t.Errorf("%s: %v, asked for %s with %v", b, err, seen.URL, seen.Header)
		}
	}
}

func TestOnlyAServiceThatSaysSoIsReady(t *testing.T) {
	for status, body := range map[int]string{200: `{"status":"fail"}`, 201: `{}`, 503: `{"status":"pass"}`, 500: ``, 401: `{}`, 302: ``, 429: ``} {
		if err := behind(t, answers(status, body)).Ready(t.Context(), gateway.Shipping); err == nil {
			t.Errorf("%d %s passes for ready", status, body)
		}
	}
}

func TestPartsAreAskedForAsTheCaller(t *testing.T) {
	var seen *http.Request
	s := behind(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		answers(http.StatusOK, `{"serviceId":"payments","status":"warn","time":"2026-11-23T09:00:00Z","checks":[{"name":"table","status":"pass","tookMs":4}],"more":1}`)(w, r)
	})
	r, err := s.Inspect(t.Context(), gateway.Payments, "Bearer me")
	if err != nil || r.Status != health.Warn || len(r.Checks) != 1 || r.Checks[0].TookMs != 4 || r.Time.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	if seen.URL.Path != "/v1/health/payments" || seen.Header.Get("Authorization") != "Bearer me" {
		t.Errorf("asked for %s with %v", seen.URL, seen.Header)
	}
}

func TestWhatIsNoReportIsAFailure(t *testing.T) {
	for body, code := range map[string]string{
		`{"serviceId":"orders","status":"pass","checks":[]}`:    "WrongAnswer",
		`{"serviceId":"payments","status":"great","checks":[]}`: "WrongAnswer",
		`{"serviceId":"payments","status":"pass"}`:              "WrongAnswer",
		`<html>`: "DependencyUnavailable",
	} {
		if _, err := behind(t, answers(http.StatusOK, body)).Inspect(t.Context(), gateway.Payments, ""); err == nil || health.Code(err) != code {
			t.Errorf("%s: %v", body, err)
		}
	}
	_, err := behind(t, answers(http.StatusForbidden, `{"code":"Forbidden","detail":"no"}`)).Inspect(t.Context(), gateway.Payments, "")
	if health.Code(err) != "Forbidden" {
		t.Errorf("refused: %v", err)
	}
}

// guard hands out breakers over one log, whose circuits a test can look at.
func guard(t *testing.T, log resilience.CircuitLog, h http.HandlerFunc) services.Services {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	r := registry.Fixed{}
	for _, b := range gateway.Serving {
		r[string(b)] = server.URL
	}
	return services.New(func(name string) httpclient.Config {
		return httpclient.Config{Endpoints: r, Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}, Breaker: resilience.NewBreaker(
			name, log, resilience.DefaultSettings, clock.System{}, envelope.Publisher{Service: "gateway", Clock: clock.System{}, IDs: &ids.Sequence{}})}
	})
}

func TestHealthNeitherOpensACircuitNorStopsAtAnOpenOne(t *testing.T) {
	log, asked := memdb.NewLog(clock.System{}), 0
	s := guard(t, log, func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(http.StatusServiceUnavailable) })
	for range 20 {
		_ = s.Ready(t.Context(), gateway.Orders) // a 503 each
	}
	if c, err := log.Circuit(t.Context(), "orders"); err != nil || c.Version != 0 || asked != 20 {
		t.Errorf("after 20 times not ready, %d asked: %+v, %v", asked, c, err)
	}
	for i := range 5 {
		_, _ = s.Get(t.Context(), gateway.Orders, order[:25]+string(rune('A'+i)), "")
	}
	if c, _ := log.Circuit(t.Context(), "orders"); c.State != resilience.Open {
		t.Fatalf("work does not open the circuit: %+v", c)
	}
	before := asked
	if _ = s.Ready(t.Context(), gateway.Orders); asked != before+1 {
		t.Error("an open circuit hides the service's health")
	}
}
