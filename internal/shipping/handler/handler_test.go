package handler

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi/httpapitest"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/memory"
	"orderflow/internal/shipping/webhook"
	"orderflow/sandbox/sandboxtest"
)

// signedAt is when the sample callback was signed with sample-secret.
var signedAt = time.Unix(1_795_424_403, 0)

// desk is shipping on a memory store.
type desk struct {
	*shipping.Service
	store *memory.Store
	clock *clock.Manual
}

func open() *desk {
	c := clock.At(signedAt)
	d := &desk{store: memory.New(c), clock: c}
	sandbox := carrier.New(sandboxtest.Config(carrier.Name, sandboxtest.NewCarrier(c)))
	d.Service = shipping.New(d.store, sandbox, c, &ids.Sequence{})
	return d
}

func (d *desk) webhook(t testing.TB, secret string) function.Handler {
	t.Helper()
	key := func(context.Context) ([]byte, error) { return []byte(secret), nil }
	return receiveCarrierWebhook(d.Service, signature.Verifier{Scheme: webhook.Signatures, Secret: key, Clock: d.clock})
}

func (d *desk) arrange(t testing.TB) {
	t.Helper()
	h := step.Handle(d.ArrangeShipment)
	if _, err := h.Invoke(context.Background(), sample(t, "arrange-shipment")); err != nil {
		t.Fatal(err)
	}
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../events/shipping/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func request(t testing.TB, name string) events.APIGatewayProxyRequest {
	t.Helper()
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(sample(t, name), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

// send returns the response's status and decoded body.
func send(t testing.TB, h function.Handler, in events.APIGatewayProxyRequest) (int, map[string]any) {
	t.Helper()
	payload, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := h.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var out events.APIGatewayProxyResponse
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	body := map[string]any{}
	if out.Body != "" {
		if err := json.Unmarshal([]byte(out.Body), &body); err != nil {
			t.Fatal(err)
		}
	}
	return out.StatusCode, body
}

func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	httpapitest.Strangers(t, "../../../events/shipping/", Handlers(open().Service, signature.Verifier{}))
}

func TestStepsAnswerWithTheirResult(t *testing.T) {
	d := open()
	for _, c := range []struct {
		name, status string
		h            function.Handler
	}{
		{"arrange-shipment", "REQUESTED", step.Handle(d.ArrangeShipment)},
		{"await-shipment", "REQUESTED", step.Handle(d.AwaitShipment)},
		{"cancel-shipment", "CANCELLED", step.Handle(d.CancelShipment)},
	} {
		out, err := c.h.Invoke(t.Context(), sample(t, c.name))
		want := `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","status":"` + c.status + `"}`
		if err != nil || string(out) != want {
			t.Errorf("%s = %s, %v; want %s", c.name, out, err, want)
		}
	}
}

func TestArrangeAfterCancelHasTheErrorNameOfTheSaga(t *testing.T) {
	d := open()
	if _, err := step.Handle(d.CancelShipment).Invoke(t.Context(), sample(t, "cancel-shipment")); err != nil {
		t.Fatal(err)
	}
	_, err := step.Handle(d.ArrangeShipment).Invoke(t.Context(), sample(t, "arrange-shipment"))
	var named messages.InvokeResponse_Error
	if !errors.As(err, &named) || named.Type != "StepCompensated" {
		t.Errorf("error %v, want name StepCompensated", err)
	}
}

func TestGetShipmentShowsOnlyTheCallersShipment(t *testing.T) {
	d := open()
	d.arrange(t)
	if status, _ := send(t, d.webhook(t, "sample-secret"), request(t, "receive-carrier-webhook")); status != 204 {
		t.Fatalf("webhook: %d", status)
	}
	h := getShipment(d.Service)
	claims := func(r *events.APIGatewayProxyRequest) map[string]any {
		return r.RequestContext.Authorizer["claims"].(map[string]any)
	}
	orderID := func(id string) func(*events.APIGatewayProxyRequest) {
		return func(r *events.APIGatewayProxyRequest) { r.PathParameters["orderId"] = id }
	}
	anonymous := func(r *events.APIGatewayProxyRequest) { r.RequestContext.Authorizer = nil }
	mallory := func(r *events.APIGatewayProxyRequest) { claims(r)["sub"] = "mallory" }
	for name, c := range map[string]struct {
		change func(*events.APIGatewayProxyRequest)
		status int
		code   string
	}{
		"own":          {func(*events.APIGatewayProxyRequest) {}, 200, ""},
		"another's":    {mallory, 404, "ShipmentNotFound"},
		"unknown":      {orderID("01KAQ5M3Z8V7D2X4C6B9N1T0RX"), 404, "ShipmentNotFound"},
		"no identity":  {anonymous, 401, "Unauthenticated"},
		"malformed id": {orderID("x"), 400, "InvalidRequest"},
	} {
		in := request(t, "get-shipment")
		c.change(&in)
		status, body := send(t, h, in)
		code, _ := body["code"].(string)
		if status != c.status || code != c.code {
			t.Errorf("%s: %d %v, want %d %s", name, status, body, c.status, c.code)
		}
		if status == 200 && (len(body) != 3 || body["status"] != "BOOKED" || body["trackingNumber"] != "TRK-7F3A9C") {
			t.Errorf("%s: %v", name, body)
		}
	}
}
