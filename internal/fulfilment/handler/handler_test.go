package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	"orderflow/internal/platform/function"
)

const (
	order = "01JZX3M7Q8N5T2V4W6Y8A0B1C3"
	token = "sample-task-token"
)

// send gives the sample event of a function to its handler, with parts of it replaced.
func send(t *testing.T, compose func(*fulfilment.Service) function.Handler, e *memory.Engine, sample string, replace ...string) (failed bool) {
	t.Helper()
	payload, err := os.ReadFile("../../../events/fulfilment/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	payload = []byte(strings.NewReplacer(replace...).Replace(string(payload)))
	h := compose(fulfilment.New(e))
	out, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return !bytes.Contains(out, []byte(`"batchItemFailures":[]`))
}

func TestACreatedOrderStartsOneSagaHoweverOftenItIsTold(t *testing.T) {
	e := memory.New()
	for range 3 {
		if send(t, startFulfilment, e, "start-fulfilment") {
			t.Error("the event failed")
		}
	}
	if n := e.Executions(); n != 1 {
		t.Errorf("%d executions, want 1", n)
	}
	input, err := e.Input(t.Context(), fulfilment.FulfilOrder, order)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(input, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orderId", "customerId", "items", "total", "paymentMethod", "shippingAddress", "traceparent"} {
		if len(fields[name]) < 3 {
			t.Errorf("the saga's input has no %s", name)
		}
	}
	if strings.Contains(string(input), "@") {
		t.Error("the saga's input holds the e-mail address, which no step needs")
	}
}

func TestASagaThatWasStartedWithOtherInputIsNotTakenForThisOne(t *testing.T) {
	e := memory.New()
	send(t, startFulfilment, e, "start-fulfilment")
	if !send(t, startFulfilment, e, "start-fulfilment", `\"quantity\": 2`, `\"quantity\": 3`) {
		t.Error("another order under the same id was taken for a duplicate")
	}
}

func TestAnEventThatBreaksItsSchemaFails(t *testing.T) {
	e := memory.New()
	if !send(t, startFulfilment, e, "start-fulfilment", `\"quantity\": 2`, `\"quantity\": 0`) {
		t.Error("an order of nothing was accepted")
	}
	if e.Executions() != 0 {
		t.Error("a saga was started")
	}
}

func TestACancellationStartsOneCompensation(t *testing.T) {
	e := memory.New()
	for range 2 {
		if send(t, cancelFulfilment, e, "cancel-fulfilment") {
			t.Error("the event failed")
		}
	}
	input, err := e.Input(t.Context(), fulfilment.CompensateOrder, order)
	if err != nil || !strings.Contains(string(input), `"reason":"CANCELLED_BY_CUSTOMER"`) {
		t.Errorf("input %s, %v", input, err)
	}
}

func TestTheCarriersAnswerWakesTheSagaOnce(t *testing.T) {
	cases := map[string]string{
		"shipment.booked":    `succeeded {"trackingNumber":"TRACK-1"}`,
		"shipment.refused":   "failed ShipmentRefused",
		"shipment.cancelled": "failed ShipmentCancelled",
	}
	for event, want := range cases {
		e := memory.New(token)
		for range 2 { // the second one finds nobody waiting
			if send(t, resumeFulfilment, e, "resume-fulfilment", "shipment.booked", event) {
				t.Errorf("%s failed", event)
			}
		}
		if got := e.Answer(token); got != want {
			t.Errorf("%s: the task %q, want %q", event, got, want)
		}
	}
}

func TestAnAnswerBeforeTheSagaWaitsIsAcknowledged(t *testing.T) {
	e := memory.New(token)
	if send(t, resumeFulfilment, e, "resume-fulfilment", `, \"resumeToken\": \"sample-task-token\"`, "") {
		t.Error("the event failed")
	}
	if e.Answer(token) != "" {
		t.Error("a task was answered without its token")
	}
}

func TestAnEngineThatIsDownLeavesTheEventInTheQueue(t *testing.T) {
	e := memory.New(token)
	e.FailWith(errors.New("throttled"))
	for sample, compose := range map[string]func(*fulfilment.Service) function.Handler{
		"start-fulfilment": startFulfilment, "cancel-fulfilment": cancelFulfilment, "resume-fulfilment": resumeFulfilment,
	} {
		if !send(t, compose, e, sample) {
			t.Errorf("%s took the event for handled", sample)
		}
	}
}

func TestAnExecutionThatWasAbortedIsCompensatedHoweverOftenItIsTold(t *testing.T) {
	e := memory.New()
	send(t, startFulfilment, e, "start-fulfilment")
	if send(t, recoverFulfilment, e, "recover-fulfilment") || e.Executions() != 1 {
		t.Error("an event that is out of date changed something")
	}
	e.End(fulfilment.FulfilOrder, order, fulfilment.Aborted, "")
	for range 2 {
		if send(t, recoverFulfilment, e, "recover-fulfilment") {
			t.Error("the event failed")
		}
	}
	if e.Executions() != 2 {
		t.Errorf("%d executions, want the saga and its compensation", e.Executions())
	}
}

func TestAnOverdueOrderGetsItsSagaThroughTheSameQueue(t *testing.T) {
	e := memory.New()
	if send(t, recoverFulfilment, e, "start-fulfilment", "order.created", "order.overdue") || e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestWhatNeitherEndedNorIsOverdueFails(t *testing.T) {
	e := memory.New()
	if !send(t, recoverFulfilment, e, "start-fulfilment") {
		t.Error("an event that this queue does not take was accepted")
	}
	if !send(t, recoverFulfilment, e, "recover-fulfilment", `\"name\"`, `\"label\"`) {
		t.Error("an end of no execution was accepted")
	}
}
