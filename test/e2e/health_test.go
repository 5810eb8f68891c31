package e2e_test

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// anonymously gets a path without a token, and returns status, body and Retry-After.
func anonymously(ctx context.Context, path string) (status int, body, retryAfter string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, stack.Outputs["ApiUrl"]+path, nil)
	if err != nil {
		return 0, "", "", err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header.Get("Retry-After"), err
}

// says waits until a path's public body contains something. Results are cached for 5 s.
func says(t *testing.T, path string, status int, body string) {
	t.Helper()
	eventually(t, 60*time.Second, path, func() error {
		got, text, retryAfter, err := anonymously(t.Context(), path)
		if err != nil || got != status || text != body ||
			(status == http.StatusServiceUnavailable) != (retryAfter != "") {
			return errorf("%d %s (Retry-After %q), %v", got, text, retryAfter, err)
		}
		return nil
	})
}

// healthPaths are all public health endpoints.
var healthPaths = []string{"/health/live", "/health/ready", "/health/orders", "/health/payments", "/health/inventory",
	"/health/shipping", "/health/catalog"}

func TestEverythingIsReadyAndOperatorsSeeWhy(t *testing.T) {
	for _, path := range healthPaths {
		says(t, path, http.StatusOK, `{"status":"pass"}`)
	}
	want := map[string][]string{
		"gateway": {"breaker:orders", "breaker:payments", "breaker:inventory", "breaker:shipping"},
		"orders":  {"table", "topic"},
		"payments": {"table", "topic", "registry:payment-provider", "breaker:payment-provider",
			"secret:payment-webhook"},
		"inventory": {"table", "topic"},
		"shipping":  {"table", "topic", "registry:carrier", "breaker:carrier", "secret:carrier-webhook"},
		"catalog":   {"table", "topic"},
	}
	eventually(t, 60*time.Second, "all parts pass", func() error {
		h, err := operator().Health(t.Context())
		if err != nil || len(h.Services) != len(want) {
			return errorf("%+v, %v", h, err)
		}
		for _, s := range h.Services {
			if len(s.Checks) != len(want[s.ServiceID]) {
				return errorf("%+v", s)
			}
			for i, c := range s.Checks {
				// A test of an outage may have left a circuit open.
				if c.Name != want[s.ServiceID][i] || c.Status == "fail" || c.Status == "warn" &&
					c.Code != "CircuitOpen" {
					return errorf("%+v", s)
				}
			}
		}
		return nil
	})
}

func TestPartsAreShownToOperatorsOnly(t *testing.T) {
	for _, path := range []string{"", "/orders", "/payments", "/inventory", "/shipping", "/catalog"} {
		wantAnswer(t, http.MethodGet, "/v1/health"+path, "", "", http.StatusUnauthorized)
		wantAnswer(t, http.MethodGet, "/v1/health"+path, bearer(t, "alice", ""), "", http.StatusForbidden)
	}
}

// A service without the address of its third party is not ready: only operators see which part.
func TestABrokenPartIsNamedToOperatorsOnly(t *testing.T) {
	restore, err := stack.RemoveAddress(t.Context(), "payment-provider")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := restore(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()

	says(t, "/health/payments", http.StatusServiceUnavailable, `{"status":"fail"}`)
	says(t, "/health/ready", http.StatusServiceUnavailable, `{"status":"fail"}`)
	says(t, "/health/orders", http.StatusOK, `{"status":"pass"}`)
	h, err := operator().Health(t.Context())
	if err != nil || h.Status != "fail" {
		t.Fatalf("%+v, %v", h, err)
	}
	for _, s := range h.Services {
		for _, c := range s.Checks {
			broken := s.ServiceID == "payments" && c.Name == "registry:payment-provider"
			if broken != (c.Status == "fail") || broken && c.Code != "ServiceUnknown" {
				t.Errorf("%s: %+v", s.ServiceID, c)
			}
		}
	}
	if err := restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(t, "/health/ready", http.StatusOK, `{"status":"pass"}`)
}
