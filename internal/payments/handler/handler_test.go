package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/payments/memory"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi/httpapitest"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/signature"
	"orderflow/internal/platform/step"
	"orderflow/sandbox/sandboxtest"
)

const samples = "../../../events/payments/"

func sampleService() *payments.Service {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return payments.New(memory.New(c), connect(sandboxtest.NewProvider(c)), c, &ids.Sequence{})
}

// connect returns the adapter of a sandbox.
func connect(sandbox *sandboxtest.Provider) payments.Provider {
	return provider.New(sandboxtest.Config(provider.Name, sandbox))
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(samples + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryOperationNeedsAnIdentity(t *testing.T) {
	httpapitest.Strangers(t, samples, Handlers(sampleService(), signature.Verifier{}))
}

func TestStepsAnswerWithTheirResult(t *testing.T) {
	svc := sampleService()
	for _, c := range []struct {
		name, status string
		h            function.Handler
	}{
		{"authorize-payment", "AUTHORIZED", step.Handle(svc.AuthorizePayment)},
		{"await-payment", "AUTHORIZED", step.Handle(svc.AwaitPayment)},
		{"capture-payment", "CAPTURED", step.Handle(svc.CapturePayment)},
		{"void-payment", "REFUNDED", step.Handle(svc.VoidPayment)},
	} {
		out, err := c.h.Invoke(t.Context(), sample(t, c.name))
		want := `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","status":"` + c.status + `"}`
		if err != nil || string(out) != want {
			t.Errorf("%s = %s, %v; want %s", c.name, out, err, want)
		}
	}
	_, err := step.Handle(sampleService().AuthorizePayment).Invoke(t.Context(), []byte(`{"orderId":7}`))
	wantName(t, err, "InvalidInput")
}

func TestRefusalsHaveTheErrorNamesOfTheSaga(t *testing.T) {
	declined := replace(sample(t, "authorize-payment"), "pm_card_visa", "pm_card_visa_chargeDeclined")
	_, err := step.Handle(sampleService().AuthorizePayment).Invoke(t.Context(), declined)
	wantName(t, err, "PaymentDeclined")
	svc := sampleService()
	if _, err := step.Handle(svc.VoidPayment).Invoke(t.Context(), sample(t, "void-payment")); err != nil {
		t.Fatal(err)
	}
	_, err = step.Handle(svc.AuthorizePayment).Invoke(t.Context(), sample(t, "authorize-payment"))
	wantName(t, err, "StepCompensated")
}

func replace(b []byte, from, to string) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }

func wantName(t *testing.T, err error, name string) {
	t.Helper()
	var named messages.InvokeResponse_Error
	if !errors.As(err, &named) || named.Type != name {
		t.Errorf("error %v, want name %s", err, name)
	}
}

func TestPaymentMethodAndAmountAreNeverLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(function.Logger(&log, "test"))
	svc := sampleService()
	in := replace(sample(t, "authorize-payment"), "4797", "987654")
	for _, payload := range [][]byte{
		in, replace(in, "pm_card_visa", "pm_card_visa_chargeDeclined"), replace(in, "EUR", "nope"),
	} {
		for _, run := range []func(context.Context, contract.Step) (contract.Result, error){
			svc.AuthorizePayment, svc.CapturePayment, svc.VoidPayment,
		} {
			if _, err := step.Handle(run).Invoke(t.Context(), payload); err != nil {
				slog.Warn("invocation failed", "error", err.Error()) // as the bootstrap does
			}
		}
	}
	if log.Len() == 0 {
		t.Error("nothing was logged")
	}
	for _, secret := range []string{"pm_card", "987654"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, &log)
		}
	}
}

// get sends the changed sample of get-payment and returns status and body.
func get(t *testing.T, svc *payments.Service, change func(*events.APIGatewayProxyRequest)) (int, map[string]any) {
	t.Helper()
	h := getPayment(svc)
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(sample(t, "get-payment"), &in); err != nil {
		t.Fatal(err)
	}
	change(&in)
	payload, _ := json.Marshal(in)
	b, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var out events.APIGatewayProxyResponse
	var body map[string]any
	if err := errors.Join(json.Unmarshal(b, &out), json.Unmarshal([]byte(out.Body), &body)); err != nil {
		t.Fatal(err)
	}
	return out.StatusCode, body
}

func TestGetPaymentShowsTheRefundedAmount(t *testing.T) {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	sandbox := sandboxtest.NewProvider(c)
	svc := payments.New(memory.New(c), connect(sandbox), c, &ids.Sequence{})
	var in contract.Step
	if err := json.Unmarshal(sample(t, "authorize-payment"), &in); err != nil {
		t.Fatal(err)
	}
	_, authorized := svc.AuthorizePayment(t.Context(), in)
	_, captured := svc.CapturePayment(t.Context(), in)
	if err := errors.Join(authorized, captured); err != nil {
		t.Fatal(err)
	}
	shown := func(want any) {
		t.Helper()
		status, body := get(t, svc, func(*events.APIGatewayProxyRequest) {})
		if status != 200 || body["status"] != "CAPTURED" || !reflect.DeepEqual(body["refundedAmount"], want) {
			t.Errorf("%d %v; want refundedAmount %v", status, body, want)
		}
	}
	shown(nil)
	sandbox.Refund(in.OrderID, 1000)
	if err := svc.ReceiveNotice(t.Context(), payments.Notice{ID: "evt_1", Reference: in.OrderID}); err != nil {
		t.Fatal(err)
	}
	shown(map[string]any{"currency": in.Amount.Currency, "amount": float64(1000)})
}

func TestGetPaymentShowsOnlyTheCallersPayment(t *testing.T) {
	svc := sampleService()
	var in contract.Step
	if err := json.Unmarshal(sample(t, "authorize-payment"), &in); err != nil {
		t.Fatal(err)
	}
	in.PaymentMethod = "pm_card_visa_chargeDeclined"
	if _, err := svc.AuthorizePayment(t.Context(), in); !errors.Is(err, payments.ErrDeclined) {
		t.Fatal(err)
	}
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
		"own": {func(*events.APIGatewayProxyRequest) {}, 200, ""},
		"operator": {func(r *events.APIGatewayProxyRequest) {
			claims(r)["sub"] = "op"
			claims(r)["cognito:groups"] = "operator"
		}, 200, ""},
		"another's":    {mallory, 404, "PaymentNotFound"},
		"unknown":      {orderID("01KAQ5M3Z8V7D2X4C6B9N1T0RX"), 404, "PaymentNotFound"},
		"no identity":  {anonymous, 401, "Unauthenticated"},
		"malformed id": {orderID("x"), 400, "InvalidRequest"},
	} {
		status, body := get(t, svc, c.change)
		code, _ := body["code"].(string)
		if status != c.status || code != c.code {
			t.Errorf("%s: %d %v, want %d %s", name, status, body, c.status, c.code)
		}
		if status == 200 &&
			(body["status"] != "DECLINED" || body["reason"] != "card_declined" || body["amount"] == nil) {
			t.Errorf("%s: %v", name, body)
		}
	}
}
