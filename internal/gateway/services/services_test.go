package services_test

import (
	"errors"
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
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/tracing"
)

const (
	order       = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

// serve returns services that all have one handler.
func serve(t *testing.T, h http.HandlerFunc) services.Services { return withoutBreaker(urls(t, h)) }

func urls(t *testing.T, h http.HandlerFunc) registry.Fixed {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	r := registry.Fixed{}
	for _, b := range gateway.AllBackends {
		r[string(b)] = server.URL
	}
	return r
}

func withoutBreaker(r registry.Fixed) services.Services {
	return services.New(func(string) httpclient.Config {
		return httpclient.Config{Endpoints: r, Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}}
	})
}

func respond(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

func TestPartsAreFetchedByTheContractWithTheCallersToken(t *testing.T) {
	var seen *http.Request
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		respond(http.StatusOK, `{"orderId":"`+order+`","more":[1]}`)(w, r)
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

func TestARefusalHasTheServicesCodeAndDetail(t *testing.T) {
	as := strings.Repeat("A", 64)
	for name, c := range map[string]struct {
		status int
		body   string
		kind   fault.Kind
		code   string
		detail string
	}{
		"not found": {404, `{"code":"PaymentNotFound","detail":"there is no payment"}`,
			fault.NotFound, "PaymentNotFound", "there is no payment"},
		"unauthenticated": {401, `{"code":"Unauthenticated","detail":"expired"}`,
			fault.Unauthenticated, "Unauthenticated", "expired"},
		"forbidden":            {403, `{"code":"Forbidden","detail":"no"}`, fault.Forbidden, "Forbidden", "no"},
		"not JSON":             {404, `<html>`, fault.NotFound, "NotFound", "Not Found"},
		"a code of 64 letters": {404, `{"code":"` + as + `","detail":"d"}`, fault.NotFound, as, "d"},
		"a code of 65 letters": {404, `{"code":"A` + as + `","detail":"d"}`, fault.NotFound, "NotFound", "d"},
		"a code with %":        {404, `{"code":"100% odd","detail":"%s"}`, fault.NotFound, "NotFound", "%s"},
		"an empty document":    {403, `{}`, fault.Forbidden, "Forbidden", "Forbidden"},
	} {
		_, err := serve(t, respond(c.status, c.body)).Get(t.Context(), gateway.Payments, order, "")
		got := fault.From(err)
		if got.Kind != c.kind || got.Code != c.code || got.Detail != c.detail {
			t.Errorf("%s: %d %s %q", name, got.Kind, got.Code, got.Detail)
		}
	}
}

func TestARefusalHasTheServicesViolationsAndTotal(t *testing.T) {
	invalid := `{"code":"InvalidRequest","detail":"d","errors":[{"pointer":"/items/0/sku","detail":"is required"}]}`
	_, err := serve(t, respond(400, invalid)).PlaceOrder(t.Context(), gateway.Caller{}, gateway.OrderRequest{})
	var violations *jsonschema.Invalid
	if !errors.As(err, &violations) || len(violations.Violations) != 1 ||
		violations.Violations[0].Pointer != "/items/0/sku" {
		t.Errorf("%v", err)
	}
	changed := `{"code":"TotalChanged","detail":"d","total":{"currency":"EUR","amount":4797}}`
	_, err = serve(t, respond(409, changed)).PlaceOrder(t.Context(), gateway.Caller{}, gateway.OrderRequest{})
	if total := fault.From(err).Members["total"]; total != (money.Money{Currency: "EUR", Amount: 4797}) {
		t.Errorf("%v: %v", err, total)
	}
}

func TestStoppedIntakeIsNoFailureOfTheService(t *testing.T) {
	place := func(code string) error {
		_, err := serve(t, respond(503, `{"code":"`+code+`","detail":"d"}`)).
			PlaceOrder(t.Context(), gateway.Caller{}, gateway.OrderRequest{})
		return err
	}
	if err := place("OrdersStopped"); fault.KindOf(err) != fault.Unavailable ||
		gateway.Explain(err).Code != "OrdersStopped" {
		t.Errorf("%v, %v; want the service's words", err, gateway.Explain(err))
	}
	if err := place("Transient"); fault.KindOf(err) != fault.Transient ||
		gateway.Explain(err).Code != gateway.Unavailable {
		t.Errorf("%v, %v; want a failure", err, gateway.Explain(err))
	}
}

func TestAnUnexpectedAnswerIsAFailure(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"fault":         {500, `{"code":"NotFound"}`},
		"throttled":     {429, ``},
		"bad gateway":   {502, `<html>`},
		"redirect":      {302, ``},
		"bad request":   {400, `{"code":"InvalidRequest"}`},
		"not JSON":      {200, `<html>`},
		"null":          {200, `null`},
		"a list":        {200, `[]`},
		"empty":         {200, ``},
		"another order": {200, `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RX"}`},
	} {
		part, err := serve(t, respond(c.status, c.body)).Get(t.Context(), gateway.Payments, order, "")
		if k := fault.KindOf(err); err == nil || part != nil || (k != fault.Transient && k != fault.Internal) {
			t.Errorf("%s: %s, %v", name, part, err)
		}
	}
}

func TestAServiceWithoutAnAddressIsAFailure(t *testing.T) {
	s := withoutBreaker(registry.Fixed{})
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

func TestReadinessIsFetchedWithoutAToken(t *testing.T) {
	for _, b := range gateway.AllBackends {
		var seen *http.Request
		s := serve(t, func(w http.ResponseWriter, r *http.Request) {
			seen = r
			respond(http.StatusOK, `{"status":"pass"}`)(w, r)
		})
		err := s.Ready(t.Context(), b)
		if err != nil || seen.URL.Path != "/health/"+string(b) || seen.Header.Get("Authorization") != "" {
			t.Errorf("%s: %v, got %s with %v", b, err, seen.URL, seen.Header)
		}
	}
}

func TestOnlyAServiceThatPassesIsReady(t *testing.T) {
	for status, body := range map[int]string{
		200: `{"status":"fail"}`, 201: `{}`, 503: `{"status":"pass"}`, 500: ``, 401: `{}`, 302: ``, 429: ``,
	} {
		if err := serve(t, respond(status, body)).Ready(t.Context(), gateway.Shipping); err == nil {
			t.Errorf("%d %s counts as ready", status, body)
		}
	}
}

func TestHealthReportsAreFetchedWithTheCallersToken(t *testing.T) {
	var seen *http.Request
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		respond(http.StatusOK, `{"serviceId":"payments","status":"warn","time":"2026-11-23T09:00:00Z",`+
			`"checks":[{"name":"table","status":"pass","tookMs":4}],"more":1}`)(w, r)
	})
	r, err := s.Inspect(t.Context(), gateway.Payments, "Bearer me")
	if err != nil || r.Status != health.Warn || len(r.Checks) != 1 || r.Checks[0].TookMs != 4 || r.Time.IsZero() {
		t.Errorf("%+v, %v", r, err)
	}
	if seen.URL.Path != "/v1/health/payments" || seen.Header.Get("Authorization") != "Bearer me" {
		t.Errorf("got %s with %v", seen.URL, seen.Header)
	}
}

func TestAnInvalidReportIsAFailure(t *testing.T) {
	for body, code := range map[string]string{
		`{"serviceId":"orders","status":"pass","checks":[]}`:    "WrongAnswer",
		`{"serviceId":"payments","status":"great","checks":[]}`: "WrongAnswer",
		`{"serviceId":"payments","status":"pass"}`:              "WrongAnswer",
		`<html>`: "DependencyUnavailable",
	} {
		_, err := serve(t, respond(http.StatusOK, body)).Inspect(t.Context(), gateway.Payments, "")
		if err == nil || health.Code(err) != code {
			t.Errorf("%s: %v", body, err)
		}
	}
	forbidden := respond(http.StatusForbidden, `{"code":"Forbidden","detail":"no"}`)
	_, err := serve(t, forbidden).Inspect(t.Context(), gateway.Payments, "")
	if health.Code(err) != "Forbidden" {
		t.Errorf("refused: %v", err)
	}
}

// withBreakers returns services with circuits in log.
func withBreakers(t *testing.T, log resilience.CircuitLog, h http.HandlerFunc) services.Services {
	r, c := urls(t, h), clock.System{}
	publisher := envelope.Publisher{Service: "gateway", Clock: c, IDs: &ids.Sequence{}}
	return services.New(func(name string) httpclient.Config {
		breaker := resilience.NewBreaker(name, log, resilience.DefaultSettings, c, publisher)
		return httpclient.Config{Endpoints: r, Clock: c, Retry: resilience.Policy{Attempts: 1}, Breaker: breaker}
	})
}

func TestHealthCallsDoNotUseTheCircuit(t *testing.T) {
	log, calls := memdb.NewLog(clock.System{}), 0
	s := withBreakers(t, log, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	for range 20 {
		_ = s.Ready(t.Context(), gateway.Orders) // each fails with 503
	}
	if c, err := log.Circuit(t.Context(), "orders"); err != nil || c.Version != 0 || calls != 20 {
		t.Errorf("after 20 failures and %d calls: %+v, %v", calls, c, err)
	}
	for i := range 5 {
		_, _ = s.Get(t.Context(), gateway.Orders, order[:25]+string(rune('A'+i)), "")
	}
	if c, _ := log.Circuit(t.Context(), "orders"); c.State != resilience.Open {
		t.Fatalf("failed calls did not open the circuit: %+v", c)
	}
	before := calls
	if _ = s.Ready(t.Context(), gateway.Orders); calls != before+1 {
		t.Error("an open circuit stopped a health call")
	}
}

func TestAnswerAboutSomethingElseIsAFailure(t *testing.T) {
	asked := map[string]func(gateway.Shop) error{
		"order": func(s gateway.Shop) error { _, err := s.Order(t.Context(), gateway.Caller{}, order); return err },
		"cancel": func(s gateway.Shop) error {
			_, err := s.CancelOrder(t.Context(), gateway.Caller{IdempotencyKey: "k"}, order, gateway.CancelRequest{})
			return err
		},
		"product": func(s gateway.Shop) error { _, err := s.Product(t.Context(), gateway.Caller{}, "MUG"); return err },
		"put product": func(s gateway.Shop) error {
			_, err := s.PutProduct(t.Context(), gateway.Caller{}, "MUG", gateway.ProductRequest{})
			return err
		},
		"stock": func(s gateway.Shop) error { _, err := s.Stock(t.Context(), gateway.Caller{}, "MUG"); return err },
		"adjust": func(s gateway.Shop) error {
			_, err := s.AdjustStock(t.Context(), gateway.Caller{IdempotencyKey: "k"}, "MUG", gateway.StockAdjustment{})
			return err
		},
		"payments": func(s gateway.Shop) error {
			_, err := s.Payments(t.Context(), gateway.Caller{}, []string{order})
			return err
		},
		"reservations": func(s gateway.Shop) error {
			_, err := s.Reservations(t.Context(), gateway.Caller{}, []string{order})
			return err
		},
		"shipments": func(s gateway.Shop) error {
			_, err := s.Shipments(t.Context(), gateway.Caller{}, []string{order})
			return err
		},
		"products": func(s gateway.Shop) error {
			_, err := s.ProductsBySKU(t.Context(), gateway.Caller{}, []string{"MUG"})
			return err
		},
		"availability": func(s gateway.Shop) error {
			_, err := s.Availability(t.Context(), gateway.Caller{}, []string{"MUG"})
			return err
		},
	}
	// answer is one to all of them.
	answer := func(orderID, sku string) http.HandlerFunc {
		one := `{"orderId":"` + orderID + `","sku":"` + sku + `"}`
		return respond(http.StatusOK, one[:len(one)-1]+`,"payments":[`+one+`],"reservations":[`+one+`],"shipments":[`+one+
			`],"products":[`+one+`],"availability":[`+one+`]}`)
	}
	for name, ask := range asked {
		if err := ask(serve(t, answer(order, "MUG"))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := ask(serve(t, answer(order[:25]+"X", "CUP"))); fault.From(err).Code != "WrongAnswer" {
			t.Errorf("%s, of another one: %v", name, err)
		}
	}
}

func TestAServiceIsDownWhileItsCircuitIsOpen(t *testing.T) {
	s := withBreakers(t, memdb.NewLog(clock.System{}), respond(http.StatusServiceUnavailable, ""))
	if s.Down(t.Context(), gateway.Orders) {
		t.Error("it is down before any call")
	}
	for i := range 5 {
		_, _ = s.Get(t.Context(), gateway.Orders, order[:25]+string(rune('A'+i)), "")
	}
	if !s.Down(t.Context(), gateway.Orders) || s.Down(t.Context(), gateway.Catalog) {
		t.Error("orders is not down, or the catalog is")
	}
	if serve(t, respond(http.StatusServiceUnavailable, "")).Down(t.Context(), gateway.Orders) {
		t.Error("a service without a circuit is down")
	}
}
