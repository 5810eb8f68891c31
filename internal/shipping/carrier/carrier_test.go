package carrier_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
)

// at returns a carrier without retries.
func at(r registry.Fixed) carrier.Carrier {
	return carrier.New(httpclient.Config{Endpoints: r, Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}})
}

// answering returns a carrier whose server always gives the same response.
func answering(t *testing.T, status int, body string) carrier.Carrier {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return at(registry.Fixed{carrier.Name: server.URL})
}

func TestResponsesWithAnUnknownOutcomeAreTransient(t *testing.T) {
	for name, c := range map[string]carrier.Carrier{
		"500":              answering(t, 500, `{}`),
		"429":              answering(t, 429, ``),
		"not JSON":         answering(t, 202, `<html>`),
		"no shipment":      answering(t, 202, `{}`),
		"another shipment": answering(t, 202, `{"id":"shp_1","reference":"other"}`),
		"no listener":      at(registry.Fixed{carrier.Name: "http://127.0.0.1:1"}),
		"unknown carrier":  at(registry.Fixed{}),
	} {
		_, err := c.Book(t.Context(), shipping.Booking{Reference: "r"})
		if err == nil || fault.KindOf(err) != fault.Transient {
			t.Errorf("%s: %v, want a transient fault", name, err)
		}
	}
}

func TestCancelWithoutAResultIsTransient(t *testing.T) {
	for _, body := range []string{`{}`, `[]`, `{"shipment":"x"}`, `{"shipment":{}}`} {
		_, _, err := answering(t, 200, body).Cancel(t.Context(), "r", "k")
		if err == nil || fault.KindOf(err) != fault.Transient {
			t.Errorf("%s: %v, want a transient fault", body, err)
		}
	}
}

func TestRefusedBookingFailsWithErrRefused(t *testing.T) {
	for _, status := range []int{400, 404, 409, 410, 422, 451} {
		for _, body := range []string{`{"code":"address_not_served"}`, `{}`, `no JSON`, ``} {
			_, err := answering(t, status, body).Book(t.Context(), shipping.Booking{Reference: "r"})
			if !errors.Is(err, shipping.ErrRefused) || fault.KindOf(err) != fault.Refused {
				t.Errorf("%d %s: %v, want ErrRefused", status, body, err)
			}
		}
	}
	_, err := answering(t, 409, `{"code":"reference_cancelled"}`).Book(t.Context(), shipping.Booking{Reference: "r"})
	if !errors.Is(err, shipping.ErrReferenceCancelled) {
		t.Errorf("409: %v, want ErrReferenceCancelled", err)
	}
}

func TestRejectedRequestIsADefect(t *testing.T) {
	for _, status := range []int{302, 401, 402, 403, 405, 406, 411, 413, 414, 415, 431} {
		c := answering(t, status, `{"code":"reference_cancelled"}`)
		_, err := c.Book(t.Context(), shipping.Booking{Reference: "r"})
		if fault.KindOf(err) != fault.Internal || fault.From(err).Code != "CarrierRefused" {
			t.Errorf("%d: %v, want CarrierRefused, internal", status, err)
		}
	}
}

func TestReusedIdempotencyKeyIsADefect(t *testing.T) {
	_, err := answering(t, 422, `{"code":"idempotency_key_reused"}`).Book(t.Context(), shipping.Booking{Reference: "r"})
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("%v, want an internal fault", err)
	}
}

func TestRejectedCancellationIsADefect(t *testing.T) {
	for _, status := range []int{400, 401, 404, 409, 422} {
		_, _, err := answering(t, status, `{}`).Cancel(t.Context(), "r", "k")
		if fault.KindOf(err) != fault.Internal || fault.From(err).Code != "CarrierRefused" {
			t.Errorf("%d: %v, want CarrierRefused, internal", status, err)
		}
	}
}

func TestCallTimesOutAfterThreeSeconds(t *testing.T) {
	if carrier.Timeout != 3*time.Second {
		t.Errorf("timeout is %v, want 3 s", carrier.Timeout)
	}
}
