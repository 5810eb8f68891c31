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

// sign signs in's body anew, at the sample's time.
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

func TestSignedCallbackIsTakenOnce(t *testing.T) {
	d := open()
	d.arrange(t)
	for range 2 {
		if status, body := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook")); status != 204 || len(body) != 0 {
			t.Errorf("%d %v, want 204", status, body)
		}
	}
	d.wantStatus(t, shipping.StatusBooked, 2)
}

func TestCallbackInBase64IsVerifiedByItsBytes(t *testing.T) {
	d := open()
	d.arrange(t)
	in := request(t, "receive-carrier-webhook")
	in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
	if status, body := send(t, d.webhook(t, "sample-secret"), in); status != 204 {
		t.Errorf("%d %v, want 204", status, body)
	}
	d.wantStatus(t, shipping.StatusBooked, 2)
}

func TestCallbackThatIsNotSignedAsAgreedWritesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest, *desk)
		secret string
	}{
		"forged":           {func(in *events.APIGatewayProxyRequest, _ *desk) { sign(in) }, "another secret"},
		"body changed":     {func(in *events.APIGatewayProxyRequest, _ *desk) { in.Body += " " }, "sample-secret"},
		"too old":          {func(_ *events.APIGatewayProxyRequest, d *desk) { d.clock.Advance(5*time.Minute + time.Second) }, "sample-secret"},
		"no headers":       {func(in *events.APIGatewayProxyRequest, _ *desk) { in.Headers, in.MultiValueHeaders = nil, nil }, "sample-secret"},
		"garbage, no sign": {func(in *events.APIGatewayProxyRequest, _ *desk) { in.Body = "garbage" }, "sample-secret"},
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

func TestWithoutASecretNothingIsTaken(t *testing.T) {
	d := open()
	d.arrange(t)
	in := request(t, "receive-carrier-webhook")
	set(&in, "x-carrier-signature", "v1="+signature.Sign(nil, in.Headers["x-carrier-timestamp"], []byte(in.Body)))
	if status, body := send(t, d.webhook(t, ""), in); status != 500 {
		t.Errorf("%d %v, want 500", status, body)
	}
	d.wantStatus(t, shipping.StatusRequested, 1)
}

func TestSignedCallbackMustStillFollowTheContract(t *testing.T) {
	for _, body := range []string{
		`garbage`, `{}`, `{"id":"cb_1","reference":"` + order + `"}`, `{"id":"cb_1","reference":"` + order + `","status":null}`,
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

// Nothing that a carrier says beside its decision may keep the decision out, nor become an event that its consumers refuse.
func TestCallbackIsReadTolerantly(t *testing.T) {
	schemas := schema.Load(contract.Schemas)
	long := strings.Repeat("Ä", 64)
	for more, want := range map[string]struct {
		status           shipping.Status
		tracking, reason string
	}{
		`"status":"BOOKED","trackingNumber":"TRK-1"`:                           {shipping.StatusBooked, "TRK-1", ""},
		`"status":"BOOKED","trackingNumber":" 1Z 999/AA 10 "`:                  {shipping.StatusBooked, "1Z 999/AA 10", ""},
		`"status":"BOOKED","trackingNumber":123456789012345`:                   {shipping.StatusBooked, "123456789012345", ""},
		`"status":"BOOKED","trackingNumber":"` + long + `"`:                    {shipping.StatusBooked, long, ""},
		`"status":"BOOKED","trackingNumber":"` + long + `x"`:                   {shipping.StatusBooked, "", ""},
		`"status":"BOOKED","trackingNumber":"a\u001b[2Jb"`:                     {shipping.StatusBooked, "", ""},
		`"status":"BOOKED","trackingNumber":"a\u202eb"`:                        {shipping.StatusBooked, "", ""},
		`"status":"BOOKED","trackingNumber":12345678901234567890`:              {shipping.StatusBooked, "", ""}, // its last digits may be lost
		`"status":"BOOKED","trackingNumber":null`:                              {shipping.StatusBooked, "", ""},
		`"status":"BOOKED","trackingNumber":{"value":"T"}`:                     {shipping.StatusBooked, "", ""},
		`"status":"BOOKED","trackingNumber":"T","reason":null`:                 {shipping.StatusBooked, "T", ""},
		`"status":"BOOKED","eta":"2026-12-01","depot":{"id":1},"shipmentId":7`: {shipping.StatusBooked, "", ""},
		`"status":"booked"`: {shipping.StatusBooked, "", ""},
		`"status":"REFUSED","reason":"no\n such\u0000 street "`:          {shipping.StatusRefused, "", "no such street"},
		`"status":"REFUSED","reason":"` + strings.Repeat("x", 300) + `"`: {shipping.StatusRefused, "", strings.Repeat("x", 200)},
		`"status":"REFUSED","reason":""`:                                 {shipping.StatusRefused, "", ""},
		`"status":"REFUSED","reason":["address"]`:                        {shipping.StatusRefused, "", ""},
		`"status":"IN_TRANSIT","location":"Leipzig"`:                     {shipping.StatusRequested, "", ""},
		`"status":"CANCELLED"`:                                           {shipping.StatusRequested, "", ""},
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

func TestCallbackForAnUnknownReferenceIsToBeRepeated(t *testing.T) {
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

func TestCallbackAfterTheCancellationIsAcknowledged(t *testing.T) {
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

// FuzzReceiveCarrierWebhook sends any body, signed or not: unsigned ones are 401 and change nothing; signed ones are
// taken or refused by the contract, and never a fault of ours.
func FuzzReceiveCarrierWebhook(f *testing.F) {
	f.Add(`{"id":"cb_01","reference":"`+order+`","shipmentId":"shp_1","status":"BOOKED","trackingNumber":"T"}`, "v1=", "1795424403")
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
