package fulfilment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

const id = "01JZX3M7Q8N5T2V4W6Y8A0B1C3"

// unplanned are the ends that are not in the definitions, with their errors.
var unplanned = map[fulfilment.Status]string{
	fulfilment.Aborted: "", fulfilment.TimedOut: "", fulfilment.Failed: "States.Runtime",
}

func event(t *testing.T, eventType string) envelope.Event {
	t.Helper()
	data, err := json.Marshal(orders.Created{
		OrderID: id, CustomerID: "alice", Items: []orders.Item{{SKU: "MUG", Quantity: 2}},
		Total: money.Money{Currency: "EUR", Amount: 3998}, PaymentMethod: "pm_card_visa",
	})
	if err != nil {
		t.Fatal(err)
	}
	const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	return envelope.Event{Type: eventType, Subject: id, Data: data, TraceParent: traceparent}
}

// started returns a service whose engine has the saga of an order.
func started(t *testing.T) (*fulfilment.Service, *memory.Engine) {
	t.Helper()
	e := memory.New()
	s := fulfilment.New(e)
	if err := s.StartFulfilment(t.Context(), event(t, orders.OrderCreated)); err != nil {
		t.Fatal(err)
	}
	return s, e
}

// compensation returns the input of an attempt; nil if it was not started.
func compensation(t *testing.T, e *memory.Engine, name string) map[string]any {
	t.Helper()
	input, err := e.Input(t.Context(), fulfilment.CompensateOrder, name)
	if errors.Is(err, fulfilment.ErrNoExecution) {
		return nil
	}
	var fields map[string]any
	if err := errors.Join(err, json.Unmarshal(input, &fields)); err != nil {
		t.Fatal(err)
	}
	return fields
}

// mustRecover reports three times that an execution ended, since the event may be repeated.
func mustRecover(t *testing.T, s *fulfilment.Service, name string) {
	t.Helper()
	for range 3 {
		if err := s.RecoverFulfilment(t.Context(), name); err != nil {
			t.Errorf("recover %s: %v", name, err)
		}
	}
}

func TestASagaThatEndsUnplannedIsCompensatedOnce(t *testing.T) {
	for status, errorName := range unplanned {
		s, e := started(t)
		e.End(fulfilment.FulfilOrder, id, status, errorName)
		mustRecover(t, s, id)
		input := compensation(t, e, id)
		want := map[fulfilment.Status]string{fulfilment.TimedOut: "TIMED_OUT"}[status]
		if want == "" {
			want = "INTERNAL"
		}
		if e.Executions() != 2 || input["reason"] != want || input["customerId"] != "alice" ||
			input["total"] == nil || input["failedStep"] != "" {
			t.Errorf("%s: %d executions, input %v", status, e.Executions(), input)
		}
	}
}

func TestASagaThatRunsOrSucceededIsNotRecovered(t *testing.T) {
	s, e := started(t)
	mustRecover(t, s, id)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Succeeded, "")
	mustRecover(t, s, id)
	if e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestACompensationThatEndsUnplannedIsRetriedFiveTimes(t *testing.T) {
	for status, errorName := range unplanned {
		s, e := started(t)
		e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
		mustRecover(t, s, id)
		for _, name := range []string{"", "-2", "-3", "-4"} {
			e.End(fulfilment.CompensateOrder, id+name, status, errorName)
			mustRecover(t, s, id+name)
		}
		if n := e.Executions(); n != 6 || compensation(t, e, id+"-5") == nil {
			t.Errorf("%s: %d executions, want the saga and five attempts", status, n)
		}
		if err := s.RecoverFulfilment(t.Context(), id+"-2"); err != nil {
			t.Errorf("an old event during the fifth attempt: %v", err)
		}
		if input := compensation(t, e, id+"-5"); input["failures"] != nil {
			t.Errorf("%s: the fifth attempt gives up: %v", status, input)
		}
	}
}

// afterAttempts returns a service whose engine has this many attempts at compensating an order, all
// ended unplanned and recovered.
func afterAttempts(t *testing.T, attempts int) (*fulfilment.Service, *memory.Engine) {
	t.Helper()
	s, e := started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
	mustRecover(t, s, id)
	for n := 1; n <= attempts; n++ {
		name := id
		if n > 1 {
			name = fmt.Sprintf("%s-%d", id, n)
		}
		if !e.End(fulfilment.CompensateOrder, name, fulfilment.Aborted, "") {
			t.Fatalf("attempt %d is not running", n)
		}
		mustRecover(t, s, name)
	}
	return s, e
}

func TestAfterFiveAttemptsAnOrderIsLeftToAnOperator(t *testing.T) {
	s, e := afterAttempts(t, 5)
	input := compensation(t, e, id+"-6")
	if fmt.Sprint(input["failures"]) != "map[compensate-order:CompensationExhausted]" || input["reason"] != "INTERNAL" {
		t.Fatalf("after five attempts: input %v", input)
	}
	e.End(fulfilment.CompensateOrder, id+"-6", fulfilment.Failed, "NeedsAttention") // it flagged the order
	mustRecover(t, s, id+"-6")
	if err := s.CheckOverdue(t.Context(), event(t, orders.OrderOverdue)); err != nil || e.Executions() != 7 {
		t.Errorf("next sweep: %v, %d executions", err, e.Executions())
	}
	name, err := s.RetryCompensation(t.Context(), id, "olga", "the definition is fixed")
	if err != nil || name != id+"-7" {
		t.Fatalf("retry: %s, %v", name, err)
	}
	if input := compensation(t, e, name); input["failures"] != nil || input["operator"] != "olga" {
		t.Errorf("an operator's attempt does not compensate: %v", input)
	}
}

func TestLeavingAnOrderToAnOperatorIsRetriedFiveTimes(t *testing.T) {
	s, e := afterAttempts(t, 9)
	if input := compensation(t, e, id+"-10"); input["failures"] == nil {
		t.Errorf("attempt 10: %v", input)
	}
	e.End(fulfilment.CompensateOrder, id+"-10", fulfilment.Aborted, "")
	if err := s.RecoverFulfilment(t.Context(), id+"-10"); !errors.Is(err, fulfilment.ErrExhausted) {
		t.Errorf("after ten attempts: %v, want ErrExhausted", err)
	}
	if err := s.CheckOverdue(t.Context(), event(t, orders.OrderOverdue)); err != nil || e.Executions() != 11 {
		t.Errorf("next sweep: %v, %d executions", err, e.Executions())
	}
}

// An older version gave up without flagging the order, which is still PENDING. The next sweep finds
// it.
func TestASweepLeavesAnAbandonedOrderToAnOperator(t *testing.T) {
	s, e := afterAttempts(t, 4)
	e.End(fulfilment.CompensateOrder, id+"-5", fulfilment.TimedOut, "")
	err := s.CheckOverdue(t.Context(), event(t, orders.OrderOverdue))
	if input := compensation(t, e, id+"-6"); err != nil || input["failures"] == nil {
		t.Errorf("%v, %v", err, input)
	}
}

func TestACompensationThatFlaggedItsOrderIsNotRecovered(t *testing.T) {
	s, e := started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
	mustRecover(t, s, id)
	e.End(fulfilment.CompensateOrder, id, fulfilment.Failed, "NeedsAttention")
	mustRecover(t, s, id)
	if e.Executions() != 2 {
		t.Errorf("%d executions, want the saga and one compensation", e.Executions())
	}
	name, err := s.RetryCompensation(t.Context(), id, "olga", "the carrier is back")
	if err != nil || name != id+"-2" {
		t.Fatalf("retry: %s, %v", name, err)
	}
	input := compensation(t, e, name)
	if input["operator"] != "olga" || input["why"] != "the carrier is back" || input["reason"] != "INTERNAL" {
		t.Errorf("input %v", input)
	}
	e.End(fulfilment.CompensateOrder, name, fulfilment.Aborted, "")
	mustRecover(t, s, name)
	if input := compensation(t, e, id+"-3"); input == nil || input["operator"] != nil {
		t.Errorf("the attempt after the operator's: input %v, want no operator", input)
	}
}

func TestConcurrentRecoveriesStartOneCompensation(t *testing.T) {
	s, e := started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.TimedOut, "")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := s.RecoverFulfilment(context.Background(), id); err != nil {
				t.Errorf("recover: %v", err)
			}
		})
	}
	wg.Wait()
	if e.Executions() != 2 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestASweepStartsTheSagaOfALostEventOnce(t *testing.T) {
	e := memory.New()
	s := fulfilment.New(e)
	overdue := event(t, orders.OrderOverdue)
	overdue.TraceParent = "00-00000000000000000000000000000001-0000000000000001-01"
	for range 2 {
		if err := s.CheckOverdue(t.Context(), overdue); err != nil {
			t.Error(err)
		}
	}
	if err := s.StartFulfilment(t.Context(), event(t, orders.OrderCreated)); err != nil {
		t.Errorf("the event arrives after all: %v", err)
	}
	if e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestAnOverdueOrderWhoseSagaRunsIsNotRecovered(t *testing.T) {
	s, e := started(t)
	for _, eventType := range []string{orders.OrderOverdue, inventory.ReservationOverdue} {
		if err := s.CheckOverdue(t.Context(), event(t, eventType)); err != nil {
			t.Errorf("%s: %v", eventType, err)
		}
	}
	if e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestAnOverdueReservationOfAnAbortedSagaIsCompensated(t *testing.T) {
	s, e := started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "") // the event of this end was lost
	err := s.CheckOverdue(t.Context(), event(t, inventory.ReservationOverdue))
	if err != nil || compensation(t, e, id) == nil {
		t.Errorf("%v, %d executions", err, e.Executions())
	}
}

func TestAnOverdueReservationWithoutASagaIsAnError(t *testing.T) {
	s := fulfilment.New(memory.New())
	err := s.CheckOverdue(t.Context(), event(t, inventory.ReservationOverdue))
	if !errors.Is(err, fulfilment.ErrNeverStarted) {
		t.Errorf("%v, want ErrNeverStarted", err)
	}
}

func TestAnEngineErrorIsTransient(t *testing.T) {
	s, e := started(t)
	e.FailWith(errors.New("throttled"))
	if err := s.RecoverFulfilment(t.Context(), id); fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("%v, want a transient error", err)
	}
}

func TestOnlyAFailedOrderCanBeRetriedAndOnlyWithAReason(t *testing.T) {
	s, e := started(t)
	retry := func(why string) error {
		_, err := s.RetryCompensation(t.Context(), id, "olga", why)
		return err
	}
	if err := retry(""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("without a reason: %v", err)
	}
	if err := retry("r"); !errors.Is(err, fulfilment.ErrInFlight) {
		t.Errorf("while the saga runs: %v", err)
	}
	e.End(fulfilment.FulfilOrder, id, fulfilment.Succeeded, "")
	if err := retry("r"); !errors.Is(err, fulfilment.ErrAtRest) {
		t.Errorf("after it succeeded: %v", err)
	}
	s, e = started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
	if err := retry("r"); err != nil || compensation(t, e, id)["why"] != "r" {
		t.Errorf("after it was aborted: %v", err)
	}
	if err := retry("r"); !errors.Is(err, fulfilment.ErrInFlight) {
		t.Errorf("while that attempt runs: %v", err)
	}
	_, err := s.RetryCompensation(t.Context(), strings.Replace(id, "3", "4", 1), "olga", "r")
	if !errors.Is(err, fulfilment.ErrNoExecution) {
		t.Errorf("unknown order: %v", err)
	}
}
