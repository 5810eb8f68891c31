package provider_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/payments/provider"
	"orderflow/internal/payments/providertest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/sandbox/sandboxtest"
)

var authorization = payments.Authorization{
	Reference: "01KAQ5M3Z8V7D2X4C6B9N1T0RW", IdempotencyKey: "k", PaymentMethod: "pm_secret",
	Amount: money.Money{Currency: "EUR", Amount: 987654},
}

// at returns a provider without retries.
func at(r registry.Fixed) provider.Provider {
	return provider.New(httpclient.Config{Endpoints: r, Clock: clock.System{}, Retry: resilience.Policy{Attempts: 1}})
}

// TestProvider runs the suite against the sandbox.
func TestProvider(t *testing.T) {
	providertest.Run(t, func(t *testing.T) (payments.Provider, providertest.Dashboard) {
		sandbox := sandboxtest.NewProvider(clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
		server := httptest.NewServer(sandbox)
		t.Cleanup(server.Close)
		return at(registry.Fixed{provider.Name: server.URL}), sandbox
	})
}

// answering returns a provider whose server always gives the same response.
func answering(t *testing.T, status int, body string) provider.Provider {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return at(registry.Fixed{provider.Name: server.URL})
}

func TestResponsesWithAnUnknownOutcomeAreTransient(t *testing.T) {
	for name, p := range map[string]provider.Provider{
		"500":            answering(t, 500, `{"code":"internal"}`),
		"429":            answering(t, 429, ``),
		"not JSON":       answering(t, 200, `<html>`),
		"no charge":      answering(t, 201, `{}`),
		"another charge": answering(t, 201, `{"id":"ch_1","reference":"other","status":"AUTHORIZED"}`),
		"unknown status": answering(t, 201,
			`{"id":"ch_1","reference":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","status":"PENDING"}`),
		"no listener":      at(registry.Fixed{provider.Name: "http://127.0.0.1:1"}),
		"unknown provider": at(registry.Fixed{}),
	} {
		_, err := p.Authorize(t.Context(), authorization)
		wantTransient(t, name+": Authorize", err)
	}
}

func TestVoidWithoutAResultIsTransient(t *testing.T) {
	for _, body := range []string{
		`{}`, `[]`, `{"charge":"x"}`, `{"charge":{}}`, `{"charge":{"id":"ch_1","status":"AUTHORIZED"}}`,
	} {
		_, _, err := answering(t, 200, body).Void(t.Context(), payments.Subject{Reference: "r", IdempotencyKey: "k"})
		wantTransient(t, "Void with response "+body, err)
	}
}

func TestCallEndsAtItsTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // until then the server does not notice the client's disconnect
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	// The call must leave the margin for what follows it.
	ctx, cancel := context.WithTimeout(t.Context(), httpclient.DefaultMargin+50*time.Millisecond)
	defer cancel()
	_, err := at(registry.Fixed{provider.Name: server.URL}).Authorize(ctx, authorization)
	wantTransient(t, "Authorize", err)
	if ctx.Err() != nil {
		t.Error("the call used up the invocation's time")
	}
	if provider.Timeout != 3*time.Second {
		t.Errorf("timeout is %v, want 3 s", provider.Timeout)
	}
}

func TestRefusalsAreFinal(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   error
	}{
		{402, `{"code":"insufficient_funds"}`, &payments.Declined{Code: "insufficient_funds"}},
		{402, `gibberish`, &payments.Declined{Code: "declined"}},
		{402, `{"code":7}`, &payments.Declined{Code: "declined"}},
		{402, `{"code":"a\u001b[2J"}`, &payments.Declined{Code: "declined"}},
		{402, `{"code":"no","since":"2027","details":{"a":[1]}}`, &payments.Declined{Code: "no"}},
		{402, `{"code":"` + strings.Repeat("x", 65) + `"}`, &payments.Declined{Code: "declined"}},
		{409, `{"code":"reference_voided"}`, payments.ErrReferenceVoided},
		{404, `{}`, payments.ErrNoCharge},
		{201, `{"id":"ch_1","reference":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","status":"VOIDED"}`, payments.ErrReferenceVoided},
	} {
		_, err := answering(t, c.status, c.body).Authorize(t.Context(), authorization)
		var got, want *payments.Declined
		if errors.As(c.want, &want) {
			if !errors.As(err, &got) || *got != *want {
				t.Errorf("%d %s: %v, want %v", c.status, c.body, err, want)
			}
		} else if !errors.Is(err, c.want) {
			t.Errorf("%d %s: %v, want %v", c.status, c.body, err, c.want)
		}
	}
	for _, status := range []int{302, 400, 401, 422} {
		_, err := answering(t, status, `{}`).Authorize(t.Context(), authorization)
		if fault.KindOf(err) != fault.Internal {
			t.Errorf("%d: %v, want an internal fault", status, err)
		}
	}
}

func TestLedgerIsReadTolerantly(t *testing.T) {
	const body = `{"charges":[
		{"id":"ch_0","status":"CAPTURED"},
		{"id":"ch_9","reference":"r","status":"UNDER_REVIEW"},
		{"reference":null,"status":null},
		{"id":"ch_1","reference":"r","status":"CAPTURED","amount":{"currency":"EUR","amount":5},
			"createdAt":"2026-01-02T03:04:05Z","new":{"a":[1]},"dispute":DISPUTE}
	],"cursor":null,"total":4}`
	for dispute, want := range map[string]payments.Dispute{
		`null`: "", `""`: "", `"OPEN"`: payments.DisputeOpen, `"WON"`: payments.DisputeWon,
		`"LOST"`: payments.DisputeLost, `"NEEDS_RESPONSE"`: payments.DisputeOpen,
	} {
		p := answering(t, 200, strings.Replace(body, "DISPUTE", dispute, 1))
		for _, s := range []payments.Subject{{Reference: "r"}, {ChargeID: "ch_1"}} {
			c, found, err := p.Find(t.Context(), s)
			if err != nil || !found || c.ID != "ch_1" || c.Dispute != want {
				t.Errorf("dispute %s: Find = %+v %t, %v; want %q", dispute, c, found, err, want)
			}
		}
		page, next, err := p.Ledger(t.Context(), "")
		if err != nil || len(page) != 1 || page[0].ID != "ch_1" || next != "" {
			t.Errorf("Ledger = %+v %q, %v", page, next, err)
		}
		if c, found, err := p.Find(t.Context(), payments.Subject{ChargeID: "ch_9"}); found || err != nil {
			t.Errorf("Find of a charge in an unknown status = %+v, %v", c, err)
		}
	}
}

func TestErrorsHaveNoPaymentData(t *testing.T) {
	echo := `{"code":"x","message":"pm_secret 987654"}`
	for _, status := range []int{400, 402, 409, 500} {
		_, err := answering(t, status, echo).Authorize(t.Context(), authorization)
		if s := err.Error(); strings.Contains(s, "secret") || strings.Contains(s, "987654") {
			t.Errorf("%d: the error is %q", status, s)
		}
	}
}

func wantTransient(t *testing.T, what string, err error) {
	t.Helper()
	var no *payments.Declined
	if err == nil || fault.KindOf(err) != fault.Transient || errors.As(err, &no) {
		t.Errorf("%s: %v, want a transient fault", what, err)
	}
}
