package handler

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/schema"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// sign signs in's body again, at the sample's time.
func sign(in *events.APIGatewayProxyRequest) {
	timestamp := strconv.FormatInt(signedAt.Unix(), 10)
	set(in, "x-carrier-timestamp", timestamp)
	set(in, "x-carrier-signature", "v1="+signature.Sign([]byte("sample-secret"), timestamp, []byte(in.Body)))
}

func set(in *events.APIGatewayProxyRequest, name, value string) {
	in.Headers[name], in.MultiValueHeaders[name] = value, []string{value}
}

func (d *desk) wantStatus(t *testing.T, want shipping.Status, events int) {
	t.Helper()
	sh, err := d.GetShipment(t.Context(), order)
	if err != nil || sh.Status != want {
		t.Errorf("shipment %+v, %v; want %s", sh, err, want)
	}
	if outbox, _ := d.store.Outbox(t.Context()); len(outbox) != events {
		t.Errorf("%d events, want %d", len(outbox), events)
	}
}

func TestSignedCallbackIsHandledOnce(t *testing.T) {
	d := open()
	d.arrange(t)
	for range 2 {
		status, body := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook"))
		if status != 204 || len(body) != 0 {
			t.Errorf("%d %v, want 204", status, body)
		}
	}
	d.wantStatus(t, shipping.StatusBooked, 2)
}

func TestBase64CallbackIsVerifiedByItsDecodedBytes(t *testing.T) {
	d := open()
	d.arrange(t)
	in := request(t, "receive-carrier-webhook")
	in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
	if status, body := send(t, d.webhook(t, "sample-secret"), in); status != 204 {
		t.Errorf("%d %v, want 204", status, body)
	}
	d.wantStatus(t, shipping.StatusBooked, 2)
}

func TestCallbackWithAnInvalidSignatureChangesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest, *desk)
		secret string
	}{
		"forged":       {func(in *events.APIGatewayProxyRequest, _ *desk) { sign(in) }, "another secret"},
		"body changed": {func(in *events.APIGatewayProxyRequest, _ *desk) { in.Body += " " }, "sample-secret"},
		"too old": {func(_ *events.APIGatewayProxyRequest, d *desk) {
			d.clock.Advance(5*time.Minute + time.Second)
		}, "sample-secret"},
		"no headers": {func(in *events.APIGatewayProxyRequest, _ *desk) {
			in.Headers, in.MultiValueHeaders = nil, nil
		}, "sample-secret"},
		"garbage": {func(in *events.APIGatewayProxyRequest, _ *desk) { in.Body = "garbage" }, "sample-secret"},
	} {
		d := open()
		d.arrange(t)
		in := request(t, "receive-carrier-webhook")
		c.change(&in, d)
		status, body := send(t, d.webhook(t, c.secret), in)
		if status != 401 || body["code"] != "InvalidSignature" {
			t.Errorf("%s: %d %v, want 401 InvalidSignature", name, status, body)
		}
		d.wantStatus(t, shipping.StatusRequested, 1)
	}
}

func TestCallbackFailsWithoutASecret(t *testing.T) {
	d := open()
	d.arrange(t)
	in := request(t, "receive-carrier-webhook")
	set(&in, "x-carrier-signature", "v1="+signature.Sign(nil, in.Headers["x-carrier-timestamp"], []byte(in.Body)))
	if status, body := send(t, d.webhook(t, ""), in); status != 500 {
		t.Errorf("%d %v, want 500", status, body)
	}
	d.wantStatus(t, shipping.StatusRequested, 1)
}

func TestMalformedSignedCallbackIsRefused(t *testing.T) {
	for _, body := range []string{
		`garbage`, `{}`, `{"id":"cb_1","reference":"` + order + `"}`,
		`{"id":"cb_1","reference":"` + order + `","status":null}`,
		`{"reference":"` + order + `","status":"BOOKED"}`, `{"id":"cb_1","reference":"42","status":"BOOKED"}`,
	} {
		d := open()
		d.arrange(t)
		in := request(t, "receive-carrier-webhook")
		in.Body = body
		sign(&in)
		if status, answer := send(t, d.webhook(t, "sample-secret"), in); status != 400 {
			t.Errorf("%s: %d %v, want 400", body, status, answer)
		}
		d.wantStatus(t, shipping.StatusRequested, 1)
	}
}

// Nothing in a callback besides the decision may block it or lead to an invalid event.
func TestCallbackIsReadTolerantly(t *testing.T) {
	schemas := schema.Load(contract.Schemas)
	long := strings.Repeat("Ä", 64)
	type want struct {
		status           shipping.Status
		tracking, reason string
	}
	booked := func(tracking string) want { return want{shipping.StatusBooked, tracking, ""} }
	refused := func(reason string) want { return want{shipping.StatusRefused, "", reason} }
	undecided := want{shipping.StatusRequested, "", ""}
	for more, want := range map[string]want{
		`"status":"BOOKED","trackingNumber":"TRK-1"`:                           booked("TRK-1"),
		`"status":"BOOKED","trackingNumber":" 1Z 999/AA 10 "`:                  booked("1Z 999/AA 10"),
		`"status":"BOOKED","trackingNumber":123456789012345`:                   booked("123456789012345"),
		`"status":"BOOKED","trackingNumber":"` + long + `"`:                    booked(long),
		`"status":"BOOKED","trackingNumber":"` + long + `x"`:                   booked(""),
		`"status":"BOOKED","trackingNumber":"a\u001b[2Jb"`:                     booked(""),
		`"status":"BOOKED","trackingNumber":"a\u202eb"`:                        booked(""),
		`"status":"BOOKED","trackingNumber":12345678901234567890`:              booked(""), // too long to be exact
		`"status":"BOOKED","trackingNumber":null`:                              booked(""),
		`"status":"BOOKED","trackingNumber":{"value":"T"}`:                     booked(""),
		`"status":"BOOKED","trackingNumber":"T","reason":null`:                 booked("T"),
		`"status":"BOOKED","eta":"2026-12-01","depot":{"id":1},"shipmentId":7`: booked(""),
		`"status":"booked"`: booked(""),
		`"status":"REFUSED","reason":"no\n such\u0000 street "`:          refused("no such street"),
		`"status":"REFUSED","reason":"` + strings.Repeat("x", 300) + `"`: refused(strings.Repeat("x", 200)),
		`"status":"REFUSED","reason":""`:                                 refused(""),
		`"status":"REFUSED","reason":["address"]`:                        refused(""),
		`"status":"IN_TRANSIT","location":"Leipzig"`:                     undecided,
		`"status":"CANCELLED"`:                                           undecided,
	} {
		d := open()
		d.arrange(t)
		in := request(t, "receive-carrier-webhook")
		in.Body = `{"id":"callback 7/1","reference":"` + order + `",` + more + `}`
		in.MultiValueQueryStringParameters = map[string][]string{"attempt": {"2"}}
		sign(&in)
		if status, answer := send(t, d.webhook(t, "sample-secret"), in); status != 204 {
			t.Errorf("%s: %d %v, want 204", more, status, answer)
		}
		sh, err := d.GetShipment(t.Context(), order)
		if err != nil || sh.Status != want.status || sh.TrackingNumber != want.tracking || sh.Reason != want.reason {
			t.Errorf("%s: %+v, %v; want %+v", more, sh, err, want)
		}
		events, _ := d.store.Outbox(t.Context())
		for _, e := range events {
			if err := schemas.Validate(e); err != nil {
				t.Errorf("%s: %v", more, err)
			}
		}
	}
}

func TestCallbackForAnUnknownReferenceIsRepeated(t *testing.T) {
	d := open()
	if status, body := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook")); status != 404 {
		t.Errorf("%d %v, want 404", status, body)
	}
	d.arrange(t)
	if status, body := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook")); status != 204 {
		t.Errorf("repeated: %d %v, want 204", status, body)
	}
	d.wantStatus(t, shipping.StatusBooked, 2)
}

func TestCallbackAfterACancellationIsAcknowledged(t *testing.T) {
	d := open()
	d.arrange(t)
	if _, err := step.Handle(d.Service.CancelShipment).Invoke(t.Context(), sample(t, "cancel-shipment")); err != nil {
		t.Fatal(err)
	}
	if status, body := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook")); status != 204 {
		t.Errorf("%d %v, want 204", status, body)
	}
	d.wantStatus(t, shipping.StatusCancelled, 2)
}

// FuzzReceiveCarrierWebhook: an unsigned body gets 401 and changes nothing; a signed one is
// accepted or gets a 4xx.
func FuzzReceiveCarrierWebhook(f *testing.F) {
	f.Add(`{"id":"cb_01","reference":"`+order+`","shipmentId":"shp_1","status":"BOOKED","trackingNumber":"T"}`,
		"v1=", "1795424403")
	f.Add(`{"id":"cb_02","reference":"`+order+`","shipmentId":"shp_1","status":"REFUSED","reason":"no"}`, "", "")
	f.Add(`{"id":"cb_01","id":"cb_02"}`, "v1=00", "1e9")
	f.Add("\xff\x00", "\n", "-1")
	f.Fuzz(func(t *testing.T, body, sig, timestamp string) {
		d := open()
		d.arrange(t)
		in := request(t, "receive-carrier-webhook")
		in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		set(&in, "x-carrier-timestamp", timestamp)
		set(&in, "x-carrier-signature", sig)
		h := d.webhook(t, "sample-secret")
		if status, answer := send(t, h, in); status != 401 && status != 413 {
			t.Errorf("unsigned: %d %v", status, answer)
		}
		d.wantStatus(t, shipping.StatusRequested, 1)
		set(&in, "x-carrier-timestamp", "1795424403")
		set(&in, "x-carrier-signature", "v1="+signature.Sign([]byte("sample-secret"), "1795424403", []byte(body)))
		status, answer := send(t, h, in)
		switch status {
		case 204, 400, 404, 413:
		default:
			t.Errorf("signed: %d %v", status, answer)
		}
		if _, err := d.GetShipment(t.Context(), order); errors.Is(err, shipping.ErrNoShipment) {
			t.Error("the shipment is gone")
		}
	})
}
