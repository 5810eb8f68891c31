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

type constructor = func(*fulfilment.Service) function.Handler

// send invokes a function with a sample event in which texts are replaced.
func send(t *testing.T, build constructor, e *memory.Engine, sample string, replace ...string) (failed bool) {
	t.Helper()
	payload, err := os.ReadFile("../../../events/fulfilment/" + sample + ".json")
	if err != nil {
		t.Fatal(err)
	}
	payload = []byte(strings.NewReplacer(replace...).Replace(string(payload)))
	h := build(fulfilment.New(e))
	out, err := h.Invoke(t.Context(), payload)
	if err != nil {
		t.Fatal(err)
	}
	return !bytes.Contains(out, []byte(`"batchItemFailures":[]`))
}

func TestARepeatedCreatedEventStartsOneSaga(t *testing.T) {
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
	for _, name := range []string{
		"orderId", "customerId", "items", "total", "paymentMethod", "shippingAddress", "traceparent",
	} {
		if len(fields[name]) < 3 {
			t.Errorf("the saga's input lacks %s", name)
		}
	}
	if strings.Contains(string(input), "@") {
		t.Error("the saga's input has the e-mail address, which no step needs")
	}
}

func TestAnEventThatDiffersFromItsSagaFails(t *testing.T) {
	e := memory.New()
	send(t, startFulfilment, e, "start-fulfilment")
	if !send(t, startFulfilment, e, "start-fulfilment", `\"quantity\": 2`, `\"quantity\": 3`) {
		t.Error("an order with other data was taken for a duplicate")
	}
}

func TestAnInvalidEventFails(t *testing.T) {
	e := memory.New()
	if !send(t, startFulfilment, e, "start-fulfilment", `\"quantity\": 2`, `\"quantity\": 0`) {
		t.Error("an order of no pieces was accepted")
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

func TestTheCarriersAnswerResumesTheSagaOnce(t *testing.T) {
	cases := map[string]string{
		"shipment.booked":    `succeeded {"trackingNumber":"TRACK-1"}`,
		"shipment.refused":   "failed ShipmentRefused",
		"shipment.cancelled": "failed ShipmentCancelled",
	}
	for event, want := range cases {
		e := memory.New(token)
		for range 2 { // the second finds no task waiting
			if send(t, resumeFulfilment, e, "resume-fulfilment", "shipment.booked", event) {
				t.Errorf("%s failed", event)
			}
		}
		if got := e.Answer(token); got != want {
			t.Errorf("%s: the task %q, want %q", event, got, want)
		}
	}
}

func TestAnAnswerWithoutATokenIsAcknowledged(t *testing.T) {
	e := memory.New(token)
	if send(t, resumeFulfilment, e, "resume-fulfilment", `, \"resumeToken\": \"sample-task-token\"`, "") {
		t.Error("the event failed")
	}
	if e.Answer(token) != "" {
		t.Error("a task was resumed without its token")
	}
}

func TestEventsFailWhileTheEngineIsDown(t *testing.T) {
	e := memory.New(token)
	e.FailWith(errors.New("throttled"))
	for sample, build := range map[string]constructor{
		"start-fulfilment": startFulfilment, "cancel-fulfilment": cancelFulfilment,
		"resume-fulfilment": resumeFulfilment,
	} {
		if !send(t, build, e, sample) {
			t.Errorf("%s acknowledged the event", sample)
		}
	}
}

func TestAnAbortedExecutionIsCompensatedOnce(t *testing.T) {
	e := memory.New()
	send(t, startFulfilment, e, "start-fulfilment")
	if send(t, recoverFulfilment, e, "recover-fulfilment") || e.Executions() != 1 {
		t.Error("an outdated event had an effect")
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

func TestRecoverFulfilmentStartsTheSagaOfAnOverdueOrder(t *testing.T) {
	e := memory.New()
	if send(t, recoverFulfilment, e, "start-fulfilment", "order.created", "order.overdue") || e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestRecoverFulfilmentRejectsOtherEvents(t *testing.T) {
	e := memory.New()
	if !send(t, recoverFulfilment, e, "start-fulfilment") {
		t.Error("an event of another queue was accepted")
	}
	if !send(t, recoverFulfilment, e, "recover-fulfilment", `\"name\"`, `\"label\"`) {
		t.Error("an event without an execution's name was accepted")
	}
}
