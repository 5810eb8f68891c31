package handler

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/schema"
)

func TestCloseAfterConfirmReturnsConfirmed(t *testing.T) {
	s := open(t)
	s.place()
	out, err := s.invoke("confirm-order", sample(t, "confirm-order"))
	wantJSON(t, out, err, `{"orderId":"`+sampleID+`","status":"CONFIRMED"}`)
	out, err = s.invoke("close-order", sample(t, "close-order"))
	wantJSON(t, out, err, `{"confirmed":true}`)
	out, err = s.invoke("reject-order", sample(t, "reject-order"))
	wantJSON(t, out, err, `{"orderId":"`+sampleID+`","status":"CONFIRMED"}`)
}

func TestAFlaggedOrderCanBeRejectedAfterwards(t *testing.T) {
	s := open(t)
	s.place()
	out, err := s.invoke("close-order", sample(t, "close-order"))
	wantJSON(t, out, err, `{"confirmed":false}`)
	out, err = s.invoke("flag-order", sample(t, "flag-order"))
	wantJSON(t, out, err, `{"orderId":"`+sampleID+`","status":"NEEDS_ATTENTION"}`)
	o, err := s.store.Order(t.Context(), sampleID)
	if err != nil || o.Detail != "PAYMENT_DECLINED: VoidPayment failed after 6 attempts" {
		t.Errorf("detail %q, %v", o.Detail, err)
	}
	out, err = s.invoke("reject-order", sample(t, "reject-order"))
	wantJSON(t, out, err, `{"orderId":"`+sampleID+`","status":"REJECTED"}`)
}

func TestStepsFailWithTheNamesThatTheSagaCatches(t *testing.T) {
	s := open(t)
	_, err := s.invoke("confirm-order", sample(t, "confirm-order"))
	wantName(t, err, "OrderNotFound")
	s.place()
	s.call("cancel-order", nil)
	_, err = s.invoke("confirm-order", sample(t, "confirm-order"))
	wantName(t, err, "OrderClosed")
	_, err = s.invoke("close-order", sample(t, "close-order"))
	wantName(t, err, "")
	_, err = s.invoke("confirm-order", sample(t, "confirm-order"))
	wantName(t, err, "StepCompensated")
	_, err = s.invoke("confirm-order", []byte(`{"orderId":7}`))
	wantName(t, err, "InvalidInput")
}

func TestProjectPriceHandlesTheValidEventsOfABatch(t *testing.T) {
	s := open(t)
	var batch events.SQSEvent
	unmarshal(t, sample(t, "project-price"), &batch)
	newer := batch.Records[0]
	newer.MessageId = "newer"
	newer.Body = strings.NewReplacer("1999", "2199", `"version": 3`, `"version": 4`,
		"01KAQ5K8Q0E6N1R7T3W9Y5Z2AB", "01KAQ5K8Q0E6N1R7T3W9Y5Z2AC").Replace(newer.Body)
	bad := newer
	bad.MessageId, bad.Body = "bad", strings.Replace(newer.Body, `"sku"`, `"SKU"`, 1)
	batch.Records = append([]events.SQSMessage{newer, bad}, batch.Records...)
	payload, err := json.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.invoke("project-price", payload)
	wantJSON(t, out, err, `{"batchItemFailures":[{"itemIdentifier":"bad"}]}`)
	p, err := s.store.Price(t.Context(), "MUG-BLUE")
	if err != nil || p.Version != 4 || p.Price.Amount != 2199 {
		t.Errorf("price %v, %v", p, err)
	}
}

// Package outbox tests the relay itself.
func TestTheRelaysSampleEventMatchesTheContract(t *testing.T) {
	var stream events.DynamoDBEvent
	unmarshal(t, sample(t, "relay-orders-events"), &stream)
	image := stream.Records[0].Change.NewImage
	e, err := envelope.Parse([]byte(image["event"].String()))
	if err != nil || e.ID != image["sk"].String() {
		t.Fatalf("event %q under %q, %v", e.ID, image["sk"].String(), err)
	}
	schemas := schema.Load(contract.Schemas)
	if err := schemas.Validate(e); err != nil {
		t.Error(err)
	}
}

func wantJSON(t *testing.T, out []byte, err error, want string) {
	t.Helper()
	if err != nil || string(out) != want {
		t.Errorf("result %s, %v; want %s", out, err, want)
	}
}

func wantName(t *testing.T, err error, name string) {
	t.Helper()
	var named messages.InvokeResponse_Error
	if errors.As(err, &named); named.Type != name {
		t.Errorf("error %v, want name %q", err, name)
	}
}

func unmarshal(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func TestAnOrderShowsItsNextActionInTheContractsForm(t *testing.T) {
	s := open(t)
	s.place()
	out, err := s.invoke("show-next-action", sample(t, "show-next-action"))
	wantJSON(t, out, err, `{"batchItemFailures":[]}`)
	o := wantBody(t, s.call("get-order", nil), 200, "Order")
	next, _ := o["nextAction"].(map[string]any)
	if next["type"] != "AUTHENTICATE" || next["url"] != "https://bank.example/authenticate/4711" ||
		next["until"] != "2026-11-23T09:10:02.000Z" {
		t.Errorf("the next action is %v", next)
	}
	page := wantBody(t, s.call("find-orders", claim("cognito:groups", "operator")), 200, "FoundOrderPage")
	found, _ := page["orders"].([]any)[0].(map[string]any)
	if found["customerActionUntil"] != next["until"] {
		t.Errorf("operators find %v", found)
	}
}
