package handler

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/payments/memory"
	"orderflow/internal/payments/stripe"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/metrics/metricstest"
	"orderflow/internal/platform/signature"
	sandbox "orderflow/sandbox/provider"
	"orderflow/sandbox/sandboxtest"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// signedAt is when the sample was signed with sample-secret.
var signedAt = time.Unix(1795424403, 0).UTC()

// till is payments with a captured charge of a rejected order.
type till struct {
	*payments.Service
	sandbox  *sandboxtest.Provider
	provider payments.Provider
	clock    *clock.Manual
}

func open(t testing.TB) *till {
	t.Helper()
	d := &till{clock: clock.At(signedAt)}
	d.sandbox = sandboxtest.NewProvider(d.clock)
	d.provider = connect(d.sandbox)
	d.startOver(t, orders.OrderRejected)
	return d
}

// startOver starts over with an empty store: it captures a charge and ends its order by an event.
func (d *till) startOver(t testing.TB, eventType string) {
	t.Helper()
	d.Service = payments.New(memory.New(d.clock), d.provider, d.clock, &ids.Sequence{})
	in := contract.Step{OrderID: order, CustomerID: "alice", PaymentMethod: "pm_card_visa"}
	in.Amount.Currency, in.Amount.Amount = "EUR", 4797
	_, authorized := d.AuthorizePayment(context.Background(), in)
	_, captured := d.CapturePayment(context.Background(), in)
	ended := d.ProjectOrder(context.Background(), eventType, order, 2)
	if err := errors.Join(authorized, captured, ended); err != nil {
		t.Fatal(err)
	}
}

func (d *till) webhook(t testing.TB, secret string) function.Handler {
	t.Helper()
	key := func(context.Context) ([]byte, error) { return []byte(secret), nil }
	verifier := signature.Verifier{Scheme: stripe.Signatures, Secret: key, Clock: d.clock}
	return receivePaymentWebhook(d.Service, verifier)
}

func (d *till) want(t testing.TB, want payments.ChargeStatus) {
	t.Helper()
	c, _, err := d.provider.Find(context.Background(), payments.Subject{Reference: order})
	if err != nil || c.Status != want {
		t.Errorf("the charge is %s, %v; want %s", c.Status, err, want)
	}
}

func notice(t testing.TB) events.APIGatewayProxyRequest {
	t.Helper()
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(sample(t, "receive-payment-webhook"), &in); err != nil {
		t.Fatal(err)
	}
	return in
}

func sign(in *events.APIGatewayProxyRequest, header string) {
	in.Headers["stripe-signature"], in.MultiValueHeaders["stripe-signature"] = header, []string{header}
}

// send returns the answer's status and code.
func send(t testing.TB, h function.Handler, in events.APIGatewayProxyRequest) (int, string) {
	t.Helper()
	payload, _ := json.Marshal(in)
	b, err := h.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var out events.APIGatewayProxyResponse
	var problem struct{ Code string }
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	_ = json.Unmarshal([]byte(out.Body), &problem) // a 204 has no body
	return out.StatusCode, problem.Code
}

func TestSignedNoticeIsHandledOnce(t *testing.T) {
	d := open(t)
	for range 2 {
		if status, code := send(t, d.webhook(t, "sample-secret"), notice(t)); status != 204 {
			t.Errorf("%d %s, want 204", status, code)
		}
	}
	d.want(t, payments.ChargeRefunded)
	in := notice(t)
	in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(in.Body)), true
	if status, code := send(t, d.webhook(t, "sample-secret"), in); status != 204 {
		t.Errorf("in base64: %d %s, want 204", status, code)
	}
}

func TestNoticeWithAnInvalidSignatureChangesNothing(t *testing.T) {
	for name, change := range map[string]func(*events.APIGatewayProxyRequest, *till){
		"forged": func(in *events.APIGatewayProxyRequest, d *till) {
			sign(in, stripe.Sign([]byte("guessed"), d.clock.Now(), []byte(in.Body)))
		},
		"body changed": func(in *events.APIGatewayProxyRequest, _ *till) { in.Body += " " },
		"too old": func(_ *events.APIGatewayProxyRequest, d *till) {
			d.clock.Advance(5*time.Minute + time.Second)
		},
		"no headers": func(in *events.APIGatewayProxyRequest, _ *till) {
			in.Headers, in.MultiValueHeaders = nil, nil
		},
		"garbage": func(in *events.APIGatewayProxyRequest, _ *till) { in.Body = "garbage" },
	} {
		d := open(t)
		in := notice(t)
		change(&in, d)
		if status, code := send(t, d.webhook(t, "sample-secret"), in); status != 401 || code != "InvalidSignature" {
			t.Errorf("%s: %d %s, want 401 InvalidSignature", name, status, code)
		}
		d.want(t, payments.ChargeCaptured)
	}
}

func TestNoticeFailsWithoutASecret(t *testing.T) {
	d := open(t)
	in := notice(t)
	sign(&in, stripe.Sign(nil, d.clock.Now(), []byte(in.Body)))
	if status, code := send(t, d.webhook(t, ""), in); status != 500 {
		t.Errorf("%d %s, want 500", status, code)
	}
	d.want(t, payments.ChargeCaptured)
}

func TestIrrelevantNoticeIsAcceptedAndAMalformedOneRefused(t *testing.T) {
	for body, want := range map[string]int{
		`{"id":"evt_2","type":"customer.created","data":{"object":{"id":"cus_1","email":"x@example.com"}}}`: 204,
		`{"id":"evt_2","type":"charge.refunded","data":{"object":{"payment_intent":"pi_unknown"}}}`:         204,
		`{"id":"evt_2","type":"charge.refunded","data":{}}`:                                                 204,
		`{"id":"evt_2","type":"charge.refunded","data":{"object":["ch_1"]}}`:                                204,
		`{"id":"evt.2 b","type":"v2.core.event","data":null,"related_object":{"id":"acct_1"}}`:              204,
		`garbage`: 400, `{}`: 400, `{"id":7,"type":"x","data":{"object":{}}}`: 400,
	} {
		d := open(t)
		in := notice(t)
		in.Body = body
		sign(&in, stripe.Sign([]byte("sample-secret"), d.clock.Now(), []byte(body)))
		if status, code := send(t, d.webhook(t, "sample-secret"), in); status != want {
			t.Errorf("%s: %d %s, want %d", body, status, code, want)
		}
		d.want(t, payments.ChargeCaptured)
	}
}

func TestFunctionDoesNotStartWithAnUnknownProvider(t *testing.T) {
	vars := map[string]string{
		"TABLE_NAME": "t", "STAGE": "test", "DISCOVERY": "parameters", "PROVIDER_SECRET": "p", "WEBHOOK_SECRET": "w",
		"AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-central-1",
	}
	for name, starts := range map[string]bool{"registry": true, "stripe": true, "paypal": false, "": false} {
		vars["PAYMENT_PROVIDER"] = name
		for what, compose := range map[string]func(*function.Env) function.Handler{
			"authorize": AuthorizePayment, "capture": CapturePayment, "void": VoidPayment,
			"reconcile": ReconcileCharges, "webhook": ReceivePaymentWebhook,
		} {
			env := function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
				clock.System{})
			compose(env)
			if got := env.Err() == nil; got != starts {
				t.Errorf("%s with %q starts: %v (%v)", what, name, got, env.Err())
			}
		}
	}
}

// FuzzReceivePaymentWebhook: an unsigned body gets 401 and changes nothing; a signed one is
// accepted or gets a 4xx.
func FuzzReceivePaymentWebhook(f *testing.F) {
	f.Add(`{"id":"evt_1","type":"charge.refunded","data":{"object":{"payment_intent":"ch_1"}}}`, "t=1795424403,v1=00")
	f.Add(`{"id":"evt_1","type":"charge.dispute.created","data":{"object":{"metadata":{"order_id":"`+order+`"}}}}`,
		"t=,v1=")
	f.Add(`{"id":"evt_1","type":"charge.refunded","data":{"object":{"metadata":{"order_id":"not ours"}}}}`, "t=,v1=")
	f.Add("\xff\x00", ",,==")
	f.Fuzz(func(t *testing.T, body, header string) {
		d := open(t)
		in := notice(t)
		in.Body, in.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		sign(&in, header)
		h := d.webhook(t, "sample-secret")
		if status, code := send(t, h, in); status != 401 && status != 413 {
			t.Errorf("unsigned: %d %s", status, code)
		}
		d.want(t, payments.ChargeCaptured)
		sign(&in, stripe.Sign([]byte("sample-secret"), d.clock.Now(), []byte(body)))
		switch status, code := send(t, h, in); status {
		case 204, 400, 413:
		default:
			t.Errorf("signed: %d %s", status, code)
		}
	})
}

func TestConcernsAreCountedOnceByReason(t *testing.T) {
	lost := func(d *till) { d.sandbox.Dispute(order, string(payments.DisputeLost)) }
	for reason, happens := range map[string]func(*till){
		"DISPUTED": lost,
		"UNKNOWN_CHARGE": func(d *till) {
			lost(d)
			d.Service = payments.New(memory.New(d.clock), d.provider, d.clock, &ids.Sequence{})
		},
		"NOT_PAID": func(d *till) {
			d.startOver(t, orders.OrderConfirmed)
			d.sandbox.Set(order, sandbox.StatusRefunded)
		},
		"PARTLY_REFUNDED": func(d *till) { d.startOver(t, orders.OrderConfirmed); d.sandbox.Refund(order, 100) },
		"":                func(d *till) { d.sandbox.Dispute(order, string(payments.DisputeWon)) },
	} {
		d := open(t)
		happens(d)
		ctx, recording := metricstest.On(t, d.clock)
		payload, _ := json.Marshal(notice(t))
		h := d.webhook(t, "sample-secret")
		for range 2 {
			if _, err := h.Invoke(ctx, payload); err != nil {
				t.Fatal(err)
			}
		}
		var counted []string
		for _, m := range recording.Take() {
			if strings.HasPrefix(m, "PaymentsToLookAt") {
				counted = append(counted, m)
			}
		}
		want := []string{"PaymentsToLookAt 1 " + reason}
		if reason == "" {
			want = nil
		}
		if !slices.Equal(counted, want) {
			t.Errorf("%q: counted %q, want %q", reason, counted, want)
		}
	}
}
