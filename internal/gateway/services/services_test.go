package services_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
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
	return at(registry.Fixed{"orders": server.URL, "payments": server.URL, "inventory": server.URL, "shipping": server.URL})
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
	if err := s.Ping(t.Context(), gateway.Orders); fault.From(err).Code != "ServiceUnknown" {
		t.Errorf("ping: %v", err)
	}
}

func TestAPingIsAnonymousAndMustBeRefusedAsSuch(t *testing.T) {
	var header http.Header
	s := behind(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		w.WriteHeader(http.StatusUnauthorized)
	})
	if err := s.Ping(t.Context(), gateway.Shipping); err != nil || header.Get("Authorization") != "" {
		t.Errorf("%v, with header %v", err, header)
	}
	for _, status := range []int{200, 302, 403, 404, 429, 500, 503} {
		if err := behind(t, answers(status, `{}`)).Ping(t.Context(), gateway.Shipping); err == nil {
			t.Errorf("an API that answers %d passes", status)
		}
	}
}
