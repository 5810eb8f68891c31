package provider_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/memory"
)

// server is a provider that records how long it would have slept. Ids and times in its responses
// are masked.
type server struct {
	handler http.Handler
	slept   time.Duration
	asleep  func()
}

func newServer() *server {
	s := &server{asleep: func() {}}
	s.handler = provider.Handler(memory.New(now), now, ids.Random(now), func(_ context.Context, d time.Duration) {
		s.slept += d
		s.asleep()
	}, site)
	return s
}

var changing = regexp.MustCompile(`"(id)":"ch_[0-9A-Z]{26}"|"(createdAt)":"2026-01-02T03:04:05Z"`)

func (s *server) want(t *testing.T, request, body string, status int, answer string) {
	t.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", "k")
	s.wantOf(t, r, status, answer)
}

func (s *server) wantOf(t *testing.T, r *http.Request, status int, answer string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	got := changing.ReplaceAllString(strings.TrimSpace(w.Body.String()), `"$1$2":"…"`)
	if w.Code != status || !strings.Contains(got, answer) {
		t.Errorf("%s %s: %d %s; want %d %s", r.Method, r.URL, w.Code, got, status, answer)
	}
	if ct := w.Header().Get("Content-Type"); ct != "application/json" {
		t.Errorf("%s %s: Content-Type %q", r.Method, r.URL, ct)
	}
}

func body(method string) string {
	return `{"reference":"r1","amount":{"currency":"EUR","amount":1999},"paymentMethod":"` + method + `"}`
}

// shown is the charge of body in a status.
func shown(status, captured string) string {
	return `{"id":"…","reference":"r1","status":"` + status + `","amount":{"currency":"EUR","amount":1999},` +
		`"captured":` + captured + `,"createdAt":"…"}`
}

// refunded is the charge of body after a full refund.
func refunded() string {
	return strings.Replace(shown("REFUNDED", "false"), `"captured":false`,
		`"captured":false,"refundedAmount":{"currency":"EUR","amount":1999}`, 1)
}

func TestLifeOfACharge(t *testing.T) {
	s := newServer()
	s.want(t, "POST /charges", body("pm_card_visa"), 201, shown("AUTHORIZED", "false"))
	s.want(t, "POST /charges/r1/capture", "", 200, shown("CAPTURED", "true"))
	s.want(t, "GET /ledger?reference=r1", "", 200, `{"charges":[`+shown("CAPTURED", "true")+`]}`)
	s.want(t, "POST /charges/r1/void", "", 200, `{"charge":`+refunded()+`}`)
	s.want(t, "GET /ledger?reference=r1", "", 200, `{"charges":[`+refunded()+`]}`)
	s.want(t, "POST /charges/r1/capture", "", 409, `{"code":"reference_voided","message":"this reference was voided"}`)
	if s.slept != 0 {
		t.Errorf("slept %s", s.slept)
	}
}

func TestErrorsHaveACode(t *testing.T) {
	s := newServer()
	s.want(t, "POST /charges", body("pm_card_visa_chargeDeclined"), 402, `"code":"card_declined"`)
	s.want(t, "POST /charges", body("pm_card_visa"), 422, `"code":"idempotency_key_reused"`)
	s.want(t, "POST /charges", body("sandbox_error"), 500, `"code":"internal"`)
	s.want(t, "POST /charges/r2/capture", "", 404, `"code":"charge_not_found"`)
	s.want(t, "POST /charges/r2/void", "", 200, `{"charge":null}`)
	s.want(t, "POST /charges/a%20b/void", "", 400, `"code":"invalid_reference"`)
	s.want(t, "GET /ledger?reference=r2", "", 200, `{"charges":[]}`)
	s.want(t, "GET /nowhere", "", 404, `"code":"no_such_route"`)
	s.want(t, "PUT /charges", "", 404, `"code":"no_such_route"`)
}

func TestSlowMethodChargesFirstAndRespondsLate(t *testing.T) {
	s := newServer()
	s.asleep = func() { // what other requests see meanwhile
		s.asleep = func() {}
		s.want(t, "GET /ledger?reference=r1", "", 200, `{"charges":[`+shown("AUTHORIZED", "false")+`]}`)
		s.want(t, "POST /charges/r1/void", "", 200, `{"charge":`+shown("VOIDED", "false")+`}`)
	}
	s.want(t, "POST /charges", body("sandbox_timeout"), 201, shown("AUTHORIZED", "false"))
	if s.slept != 8*time.Second {
		t.Errorf("slept %s, want 8s", s.slept)
	}
	s.want(t, "POST /charges", body("sandbox_timeout"), 201, shown("AUTHORIZED", "false"))
	if s.slept != 16*time.Second {
		t.Errorf("slept %s after the replay, want 16s", s.slept)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	s := newServer()
	for _, b := range []string{
		``, `[]`, `{`, body("pm_card_visa") + `{}`, body(""),
		strings.Replace(body("pm_card_visa"), "r1", "a b", 1),
		strings.Replace(body("pm_card_visa"), "EUR", "XXY", 1),
		strings.Replace(body("pm_card_visa"), "1999", "-1", 1),
		strings.Replace(body("pm_card_visa"), "1999", "0", 1),
		strings.Replace(body("pm_card_visa"), "1999", "1.5", 1),
		strings.Replace(body("pm_card_visa"), "amount", "amuont", 1),
	} {
		s.want(t, "POST /charges", b, 400, `"code":"invalid_re`)
	}
	s.want(t, "POST /charges", `{"reference":"`+strings.Repeat("r", 70_000)+`"}`, 413, `"code":"body_too_large"`)
	keyless := httptest.NewRequest("POST", "/charges", strings.NewReader(body("pm_card_visa")))
	s.wantOf(t, keyless, 400, `"code":"idempotency_key_required"`)
	for _, q := range []string{"reference=", "reference=a%2Fb", "status=GONE", "limit=0", "limit=101", "limit=x"} {
		s.want(t, "GET /ledger?"+q, "", 400, `"code":"invalid_re`)
	}
	s.want(t, "GET /ledger?cursor=x", "", 400, `"code":"invalid_cursor"`)
	s.want(t, "GET /ledger", "", 200, `{"charges":[]}`)
}

func TestLedgerIsListedInPages(t *testing.T) {
	s := newServer()
	for _, reference := range []string{"a", "b"} {
		charge := strings.Replace(body("pm_card_visa"), "r1", reference, 1)
		r := httptest.NewRequest("POST", "/charges", strings.NewReader(charge))
		r.Header.Set("Idempotency-Key", reference)
		s.wantOf(t, r, 201, `"reference":"`+reference+`"`)
	}
	s.want(t, "POST /charges/a/void", "", 200, "VOIDED")
	s.want(t, "GET /ledger?limit=1", "", 200, `],"cursor":"`)
	voided := strings.Replace(shown("VOIDED", "false"), "r1", "a", 1)
	s.want(t, "GET /ledger?status=VOIDED", "", 200, `{"charges":[`+voided+`]}`)
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	start := time.Now()
	provider.Sleep(ctx, time.Hour)
	if d := time.Since(start); d > time.Minute {
		t.Errorf("slept %s", d)
	}
}

// site has the provider's own address, and sends no notices.
var site = provider.Site{Endpoints: registry.Fixed{"payment-provider": "http://provider.test"}}

func TestCustomerAuthenticates(t *testing.T) {
	for answer, want := range map[string]struct {
		status int
		text   string
	}{
		"succeed": {201, `"status":"AUTHORIZED"`},
		"fail":    {402, `"code":"authentication_failed"`},
	} {
		s := newServer()
		for range 2 {
			s.want(t, "POST /charges", body("pm_card_authenticationRequired"), 202,
				`"nextAction":{"type":"REDIRECT","url":"http://provider.test/charges/r1/authentication"}`)
		}
		s.want(t, "GET /ledger?reference=r1", "", 200, `"status":"ACTION_REQUIRED"`)
		s.want(t, "GET /ledger", "", 200, `{"charges":[]}`)
		s.page(t, "GET", "", 200, "Do you pay")
		s.page(t, "POST", "?answer=maybe", 400, "nothing to authenticate")
		s.page(t, "POST", "?answer="+answer, 200, "close this page")
		s.page(t, "POST", "?answer=fail", 200, "close this page") // the first one stands
		s.want(t, "POST /charges", body("pm_card_authenticationRequired"), want.status, want.text)
	}
}

func TestVoidedAuthenticationIsRefused(t *testing.T) {
	s := newServer()
	s.want(t, "POST /charges", body("pm_card_authenticationRequired"), 202, `"status":"ACTION_REQUIRED"`)
	s.want(t, "POST /charges/r1/void", "", 200, `{"charge":null}`)
	s.page(t, "POST", "?answer=succeed", 409, "nothing to authenticate")
	s.want(t, "POST /charges", body("pm_card_authenticationRequired"), 409, `"code":"reference_voided"`)
}

// page calls the customer's page.
func (s *server) page(t *testing.T, method, query string, status int, text string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(method, "/charges/r1/authentication"+query, nil))
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		t.Errorf("%s %s: %d %s; want %d %q", method, query, w.Code, w.Body, status, text)
	}
}
