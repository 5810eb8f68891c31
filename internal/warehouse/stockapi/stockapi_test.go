package stockapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/stockapi"
)

// address implements httpclient.Endpoints.
type address string

func (a address) Pick(context.Context, string) (string, func(bool), error) {
	return string(a), func(bool) {}, nil
}

// caller counts how often it was told to forget its token.
type caller int

func (*caller) Authorization(context.Context) (string, error) { return "Bearer token", nil }
func (c *caller) Forget()                                     { *c++ }

func adjust(t *testing.T, h http.HandlerFunc) (caller, error) {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	var c caller
	api := stockapi.New(httpclient.Config{Endpoints: address(server.URL), Clock: clock.System{}}, &c)
	err := api.Adjust(t.Context(), warehouse.Adjustment{Key: "m1", SKU: "A.B_c-1", Delta: -2, Reason: "why"})
	return c, err
}

func TestAdjustmentIsPostedWithItsKey(t *testing.T) {
	var seen *http.Request
	var body []byte
	_, err := adjust(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		body, _ = io.ReadAll(r.Body)
		_, _ = w.Write([]byte(`{}`))
	})
	if err != nil || seen.Method != http.MethodPost || seen.URL.Path != "/v1/stock/A.B_c-1/adjustments" ||
		seen.Header.Get("Idempotency-Key") != "m1" || seen.Header.Get("Authorization") != "Bearer token" ||
		string(body) != `{"delta":-2,"reason":"why"}` {
		t.Errorf("%v, %s %s with %v: %s", err, seen.Method, seen.URL, seen.Header, body)
	}
}

// A refusal proves that no attempt has taken effect, so nothing else may look like one.
func TestOnlyDecisionsOfInventoryAreRefusals(t *testing.T) {
	for status, refused := range map[int]bool{
		409: true, 422: true,
		400: false, 401: false, 403: false, 404: false, 408: false, 413: false, 429: false, 500: false, 503: false,
	} {
		forgotten, err := adjust(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"code":"InsufficientStock"}`))
		})
		if err == nil || errors.Is(err, warehouse.ErrRefused) != refused {
			t.Errorf("%d: %v, want refused %t", status, err, refused)
		}
		if want := caller(0); (forgotten != want) != (status == 401 || status == 403) {
			t.Errorf("%d: the token was forgotten %d times", status, forgotten)
		}
	}
}

func TestOneCallMakesOneAttempt(t *testing.T) {
	attempts := 0
	_, err := adjust(t, func(w http.ResponseWriter, _ *http.Request) {
		attempts++
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	if err == nil || attempts != 1 {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestBrokenConnectionIsNoRefusal(t *testing.T) {
	_, err := adjust(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if err == nil || errors.Is(err, warehouse.ErrRefused) {
		t.Errorf("%v, want another error than ErrRefused", err)
	}
}
