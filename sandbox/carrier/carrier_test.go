package carrier_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/tracing"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/memory"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

var now = clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))

// world is a carrier and the shop that receives its callbacks.
type world struct {
	t       *testing.T
	store   *memory.Store
	handler http.Handler
	sender  carrier.Sender
	// answer is the status of the shop's responses.
	answer int
	calls  []*http.Request
	bodies []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: memory.New(now), answer: http.StatusNoContent}
	w.handler = carrier.Handler(w.store, now, ids.Random(now))
	shop := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.calls, w.bodies = append(w.calls, r), append(w.bodies, string(b))
		rw.WriteHeader(w.answer)
	}))
	t.Cleanup(shop.Close)
	w.sender = carrier.Sender{
		Carrier: carrier.New(w.store, now, ids.Random(now)), Endpoints: registry.Fixed{"shipping": shop.URL},
		Secret: secret("s3cret"), Clock: now, Client: shop.Client(),
	}
	return w
}

// do sends a request, checks the response's status and returns its body.
func (w *world) do(request, body string, status int) string {
	w.t.Helper()
	method, target, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", "k")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r.WithContext(tracing.With(r.Context(), trace)))
	if rec.Code != status {
		w.t.Errorf("%s: %d %s, want %d", request, rec.Code, rec.Body, status)
	}
	return strings.TrimSpace(rec.Body.String())
}

func (w *world) book(postalCode string, status int) string {
	w.t.Helper()
	return w.do("POST /shipments", booking(postalCode), status)
}

func booking(postalCode string) string {
	return `{"reference":"r","address":{"name":"Ada","line1":"Weg 1","city":"Berlin","postalCode":"` + postalCode +
		`","country":"DE"},"items":[{"sku":"mug","quantity":2}]}`
}

// send sends the due callback.
func (w *world) send() error {
	w.t.Helper()
	due, ok, err := w.store.Due(w.t.Context(), "r")
	if !ok || err != nil {
		w.t.Fatalf("no callback is due: %v", err)
	}
	return w.sender.Send(tracing.With(w.t.Context(), due.TraceParent), due)
}

func (w *world) wantCalls(n int) {
	w.t.Helper()
	if len(w.calls) != n {
		w.t.Errorf("%d callbacks, want %d", len(w.calls), n)
	}
}

func (w *world) wantStatus(s carrier.Status) {
	w.t.Helper()
	if got := w.do("GET /shipments?reference=r", "", 200); !strings.Contains(got, `"status":"`+string(s)+`"`) {
		w.t.Errorf("shipments: %s, want %s", got, s)
	}
}

func TestBookingIsConfirmedByASignedCallback(t *testing.T) {
	w := newWorld(t)
	var s carrier.Shipment
	err := json.Unmarshal([]byte(w.book("10115", 202)), &s)
	if err != nil || s.Status != carrier.StatusRequested || s.Reference != "r" {
		t.Fatalf("shipment %+v, %v", s, err)
	}
	if err := w.send(); err != nil {
		t.Fatal(err)
	}
	w.wantCalls(1)
	number := strings.TrimPrefix(s.ID, "shp_")
	want := `{"id":"cb_` + number + `","reference":"r","shipmentId":"` + s.ID + `","status":"BOOKED",` +
		`"trackingNumber":"TRK-` + number + `"}`
	if w.bodies[0] != want {
		t.Errorf("callback %s, want %s", w.bodies[0], want)
	}
	mac := hmac.New(sha256.New, []byte("s3cret"))
	mac.Write([]byte("1767323045." + want))
	for name, v := range map[string]string{
		"X-Carrier-Timestamp": "1767323045", "X-Carrier-Signature": "v1=" + hex.EncodeToString(mac.Sum(nil)),
		"Content-Type": "application/json", "Traceparent": trace,
	} {
		if got := w.calls[0].Header.Get(name); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
	if got := w.calls[0].Method + w.calls[0].URL.Path; got != "POST/v1/webhooks/carrier" {
		t.Errorf("callback sent as %s", got)
	}
	w.wantStatus(carrier.StatusBooked)
}

func TestPostalCode00000IsRefused(t *testing.T) {
	w := newWorld(t)
	w.book("00000", 202)
	if err := w.send(); err != nil {
		t.Fatal(err)
	}
	if len(w.bodies) != 1 || !strings.Contains(w.bodies[0], `"status":"REFUSED","reason":"address_not_served"}`) {
		t.Errorf("callbacks %s", w.bodies)
	}
	w.wantStatus(carrier.StatusRefused)
}

func TestPostalCode00001IsRefusedAtOnce(t *testing.T) {
	w := newWorld(t)
	if got := w.book("00001", 422); !strings.Contains(got, `"code":"address_not_served"`) {
		t.Errorf("response %s", got)
	}
	if got := w.do("GET /shipments?reference=r", "", 200); got != `{"shipments":[]}` {
		t.Errorf("shipments: %s, want none", got)
	}
}

func TestPostalCode99999IsNeverDecided(t *testing.T) {
	w := newWorld(t)
	w.book("99999", 202)
	if err := w.send(); err != nil {
		t.Fatal(err)
	}
	w.wantCalls(0)
	w.wantStatus(carrier.StatusRequested)
}

func TestFailedCallbackIsResentUnchanged(t *testing.T) {
	w := newWorld(t)
	w.book("10115", 202)
	for _, w.answer = range []int{500, 404, 302} {
		if err := w.send(); err == nil {
			t.Errorf("Send without an error after status %d", w.answer)
		}
	}
	w.answer = http.StatusOK
	for range 2 { // once accepted, it is not sent again
		if err := w.send(); err != nil {
			t.Error(err)
		}
	}
	w.wantCalls(4)
	for _, b := range w.bodies {
		if b != w.bodies[0] {
			t.Errorf("callback %s after %s", b, w.bodies[0])
		}
	}
}

func TestCallbackToAnUnreachableShopIsAnError(t *testing.T) {
	w := newWorld(t)
	w.book("10115", 202)
	w.sender.Endpoints = registry.Fixed{}
	if err := w.send(); err == nil {
		t.Error("Send without an error to an unknown address")
	}
	w.sender.Endpoints = registry.Fixed{"shipping": "http://127.0.0.1:1"}
	if err := w.send(); err == nil {
		t.Error("Send without an error to a closed port")
	}
}

func TestCancelledShipmentGetsNoCallback(t *testing.T) {
	for _, postalCode := range []string{"10115", "00000", "99999"} {
		w := newWorld(t)
		w.book(postalCode, 202)
		w.do("POST /shipments/r/cancel", "", 200)
		if err := w.send(); err != nil {
			t.Error(err)
		}
		w.wantCalls(0)
		w.wantStatus(carrier.StatusCancelled)
	}
}

func TestCallbackIsNotResentAfterACancellation(t *testing.T) {
	w := newWorld(t)
	w.book("10115", 202)
	w.answer = 503
	if err := w.send(); err == nil {
		t.Error("Send without an error")
	}
	w.do("POST /shipments/r/cancel", "", 200)
	if err := w.send(); err != nil {
		t.Error(err)
	}
	w.wantCalls(1)
}

func TestCancelIsIdempotentAndClosesTheReference(t *testing.T) {
	w := newWorld(t)
	first := w.book("10115", 202)
	cancelled := `{"shipment":` + strings.Replace(first, "REQUESTED", "CANCELLED", 1) + `}`
	for range 2 {
		if got := w.do("POST /shipments/r/cancel", "", 200); got != cancelled {
			t.Errorf("cancel: %s, want %s", got, cancelled)
		}
	}
	if got := w.book("10115", 202); got != first {
		t.Errorf("replay: %s, want %s", got, first)
	}
	w.wantStatus(carrier.StatusCancelled)
}

func TestBookingAfterItsCancellationIsRefused(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		if got := w.do("POST /shipments/r/cancel", "", 200); got != `{"shipment":null}` {
			t.Errorf("cancel of nothing: %s", got)
		}
	}
	if got := w.book("10115", 409); !strings.Contains(got, `"code":"reference_cancelled"`) {
		t.Errorf("late booking: %s", got)
	}
	if got := w.do("GET /shipments?reference=r", "", 200); got != `{"shipments":[]}` {
		t.Errorf("shipments: %s", got)
	}
	if _, ok, err := w.store.Due(t.Context(), "r"); ok || err != nil {
		t.Errorf("a callback is due, %v", err)
	}
}

func TestSameKeyGetsTheFirstResultAfterTheDecision(t *testing.T) {
	w := newWorld(t)
	first := w.book("10115", 202)
	if err := w.send(); err != nil {
		t.Fatal(err)
	}
	if got := w.book("10115", 202); got != first {
		t.Errorf("replay: %s, want %s", got, first)
	}
	if got := w.book("10116", 422); !strings.Contains(got, `"code":"idempotency_key_reused"`) {
		t.Errorf("same key, another request: %s", got)
	}
}

func TestMalformedBookingsAreRefused(t *testing.T) {
	w := newWorld(t)
	good := booking("10115")
	for _, change := range [][2]string{
		{`"reference":"r"`, `"reference":""`}, {`"city":"Berlin",`, ``}, {`"quantity":2`, `"quantity":0`},
		{`"sku":"mug"`, `"sku":""`}, {`{"sku":"mug","quantity":2}`, ``}, {`"items"`, `"itmes"`},
	} {
		w.do("POST /shipments", strings.Replace(good, change[0], change[1], 1), 400)
	}
	w.do("GET /shipments", "", 400)
	w.do("POST /shipments/a%20b/cancel", "", 400)
	w.do("GET /nowhere", "", 404)
	if e, err := w.store.Entry(t.Context(), "r"); e.Version != 0 || err != nil {
		t.Errorf("entry %+v, %v; want none", e, err)
	}
}

type secret string

func (s secret) Value(context.Context) ([]byte, error) { return []byte(s), nil }
