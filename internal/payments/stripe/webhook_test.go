package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/signature"
)

var (
	whsec    = []byte("whsec_test_secret")
	signedAt = time.Unix(1795424403, 0)
)

// vectors were made by webhook.GenerateTestSignedPayload of stripe-go v85.0.0 with whsec and
// signedAt. The library is not a dependency, since it takes longer to compile than everything else.
var vectors = []struct{ body, header string }{
	{`{"id":"evt_01","type":"charge.refunded","data":{"object":{}}}`,
		"t=1795424403,v1=b7cd54baa777aa0ea171853900deb1e22054ff40ac017e2f7b6374b0289e06be"},
	{"", "t=1795424403,v1=151eda53125c574decf1a798a8931d7e36f2131b8ee435d047a2fa0b897793f7"},
	{"\x00\xff é\n", "t=1795424403,v1=ad21b61ca019e06351a86da5f29bc5c1dc8b653cfd4ea95642ee68dc4265e838"},
}

func TestSignaturesMatchStripesLibrary(t *testing.T) {
	for _, v := range vectors {
		if got := stripe.Sign(whsec, signedAt, []byte(v.body)); got != v.header {
			t.Errorf("Sign(%q) = %s, want %s", v.body, got, v.header)
		}
		if err := verify(whsec, v.header, []byte(v.body), signedAt); err != nil {
			t.Errorf("Verify(%q): %v", v.body, err)
		}
	}
}

func verify(secret []byte, header string, body []byte, now time.Time) error {
	key := func(context.Context) ([]byte, error) { return secret, nil }
	v := signature.Verifier{Scheme: stripe.Signatures, Secret: key, Clock: clock.At(now)}
	return v.Verify(context.Background(), http.Header{stripe.HeaderSignature: {header}}, body)
}

func TestAnyValidSignatureWithinFiveMinutesVerifies(t *testing.T) {
	body := []byte(vectors[0].body)
	good := stripe.Sign(whsec, signedAt, body)
	hash := strings.TrimPrefix(good, "t=1795424403,")
	other := strings.TrimPrefix(stripe.Sign([]byte("whsec_new"), signedAt, body), "t=1795424403,")
	for name, c := range map[string]struct {
		header string
		off    time.Duration
		right  bool
	}{
		"right":                {good, 0, true},
		"five minutes late":    {good, 5 * time.Minute, true},
		"five minutes early":   {good, -5 * time.Minute, true},
		"later":                {good, 5*time.Minute + time.Second, false},
		"earlier":              {good, -5*time.Minute - time.Second, false},
		"second secret first":  {"t=1795424403," + other + "," + hash, 0, true},
		"second secret last":   {"t=1795424403," + hash + "," + other, 0, true},
		"additional scheme":    {"t=1795424403,v0=00," + hash, 0, true},
		"spaces":               {"t=1795424403, " + hash, 0, true},
		"another secret":       {"t=1795424403," + other, 0, false},
		"other scheme only":    {"t=1795424403,v0=" + strings.TrimPrefix(hash, "v1="), 0, false},
		"another time":         {"t=1795424404," + hash, 0, false},
		"two times":            {"t=1795424403,t=1795424404," + hash, 0, false},
		"no time":              {hash, 0, false},
		"no signature":         {"t=1795424403", 0, false},
		"empty signature":      {"t=1795424403,v1=", 0, false},
		"truncated":            {good[:len(good)-2], 0, false},
		"nothing":              {"", 0, false},
		"overflowing time":     {"t=99999999999999999999," + hash, 0, false},
		"signature not in hex": {"t=1795424403,v1=zz", 0, false},
	} {
		err := verify(whsec, c.header, body, signedAt.Add(c.off))
		if c.right && err != nil || !c.right && !errors.Is(err, signature.ErrInvalid) {
			t.Errorf("%s: %v, want it valid: %v", name, err, c.right)
		}
	}
	if err := verify(whsec, good, append(body, ' '), signedAt); !errors.Is(err, signature.ErrInvalid) {
		t.Errorf("another body: %v", err)
	}
	if err := verify(nil, stripe.Sign(nil, signedAt, body), body, signedAt); !errors.Is(err, signature.ErrNoSecret) {
		t.Errorf("no secret: %v, want ErrNoSecret", err)
	}
}

func TestEventNamesItsCharge(t *testing.T) {
	const intent = `{"id":"pi_1","object":"payment_intent","metadata":{"order_id":"o"},"latest_charge":"ch_1"}`
	byIntent := payments.Notice{ID: "e", ChargeID: "pi_1", Reference: "o"}
	byCharge := payments.Notice{ID: "e", ChargeID: "pi_1"}
	for name, c := range map[string]struct {
		eventType, object string
		want              payments.Notice // zero for none
	}{
		"intent": {"payment_intent.succeeded", intent, byIntent},
		"failed": {"payment_intent.payment_failed", intent, byIntent},
		"charge": {"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":"pi_1","metadata":{}}`,
			byCharge},
		"dispute": {"charge.dispute.created", `{"id":"dp_1","object":"dispute","charge":"ch_1",` +
			`"payment_intent":"pi_1","status":"needs_response"}`, byCharge},
		"another type": {"payment_intent.created", intent, payments.Notice{}},
		"no intent":    {"charge.refunded", `{"id":"ch_1","object":"charge","payment_intent":null}`, payments.Notice{}},
		"unexpected types": {"charge.refunded", `{"object":7,"payment_intent":{"id":"pi_1"},"metadata":[]}`,
			payments.Notice{}},
	} {
		event := `{"id":"e","type":"` + c.eventType + `","data":{"object":` + c.object + `}}`
		wantNotice(t, name, event, c.want)
	}
	wantNotice(t, "no id", `{"type":"payment_intent.succeeded","data":{"object":`+intent+`}}`, payments.Notice{})
	wantNotice(t, "no object", `{"id":"e","type":"payment_intent.succeeded","data":{}}`, payments.Notice{})
}

// wantNotice checks the notice of an event; the zero notice stands for none.
func wantNotice(t *testing.T, name, event string, want payments.Notice) {
	t.Helper()
	var e stripe.Event
	if err := json.Unmarshal([]byte(event), &e); err != nil {
		t.Fatal(err)
	}
	if n, ok := e.Notice(); ok != (want != payments.Notice{}) || ok && n != want {
		t.Errorf("%s: %+v, %v; want %+v", name, n, ok, want)
	}
}
