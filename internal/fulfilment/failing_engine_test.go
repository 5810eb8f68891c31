package fulfilment_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	shipping "orderflow/internal/shipping/contract"
)

var errTorn = errors.New("the engine did not respond")

// torn is an engine whose failing-th call, counted from 1, fails and changes nothing.
type torn struct {
	fulfilment.Engine
	failing int
}

func (e *torn) call() error {
	if e.failing--; e.failing == 0 {
		return errTorn
	}
	return nil
}

func (e *torn) Start(ctx context.Context, m fulfilment.Machine, name string, input json.RawMessage) error {
	if err := e.call(); err != nil {
		return err
	}
	return e.Engine.Start(ctx, m, name, input)
}

func (e *torn) Input(ctx context.Context, m fulfilment.Machine, name string) (json.RawMessage, error) {
	if err := e.call(); err != nil {
		return nil, err
	}
	return e.Engine.Input(ctx, m, name)
}

func (e *torn) Execution(ctx context.Context, m fulfilment.Machine, name string) (fulfilment.Execution, error) {
	if err := e.call(); err != nil {
		return fulfilment.Execution{}, err
	}
	return e.Engine.Execution(ctx, m, name)
}

func (e *torn) Succeed(ctx context.Context, token string, output json.RawMessage) error {
	if err := e.call(); err != nil {
		return err
	}
	return e.Engine.Succeed(ctx, token, output)
}

func (e *torn) Fail(ctx context.Context, token, errorName, cause string) error {
	if err := e.call(); err != nil {
		return err
	}
	return e.Engine.Fail(ctx, token, errorName, cause)
}

// shipment returns an event of shipping with a resume token.
func shipment(t *testing.T, eventType, token string) envelope.Event {
	t.Helper()
	data, err := json.Marshal(shipping.ShipmentEvent{OrderID: id, TrackingNumber: "TRK-1", ResumeToken: token})
	if err != nil {
		t.Fatal(err)
	}
	return envelope.Event{Type: eventType, Subject: id, Data: data}
}

func TestAUseCaseFailsWithItsEngineAndSucceedsOnRetry(t *testing.T) {
	ctx := context.Background()
	for name, use := range map[string]struct {
		calls int
		run   func(*fulfilment.Service) error
	}{
		"start again": {2, func(s *fulfilment.Service) error {
			return s.StartFulfilment(ctx, event(t, orders.OrderCreated))
		}},
		"cancel": {1, func(s *fulfilment.Service) error {
			return s.CancelFulfilment(ctx, event(t, orders.OrderCancellationRequested))
		}},
		"booked": {1, func(s *fulfilment.Service) error {
			return s.ResumeFulfilment(ctx, shipment(t, shipping.ShipmentBooked, "token"))
		}},
		"refused": {1, func(s *fulfilment.Service) error {
			return s.ResumeFulfilment(ctx, shipment(t, shipping.ShipmentRefused, "token"))
		}},
		"recover": {3, func(s *fulfilment.Service) error { return s.RecoverFulfilment(ctx, id) }},
		"retry": {3, func(s *fulfilment.Service) error {
			_, err := s.RetryCompensation(ctx, id, "olga", "the carrier is back")
			return err
		}},
	} {
		for n := 1; n <= use.calls; n++ {
			e := memory.New("token")
			if err := fulfilment.New(e).StartFulfilment(ctx, event(t, orders.OrderCreated)); err != nil {
				t.Fatal(err)
			}
			e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
			svc := fulfilment.New(&torn{e, n})
			if err := use.run(svc); !errors.Is(err, errTorn) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc); err != nil {
				t.Errorf("%s, retried after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestTheCarriersAnswerResumesTheSagaOnce(t *testing.T) {
	for eventType, want := range map[string]string{
		shipping.ShipmentBooked:    `succeeded {"trackingNumber":"TRK-1"}`,
		shipping.ShipmentRefused:   "failed ShipmentRefused",
		shipping.ShipmentCancelled: "failed ShipmentCancelled",
		shipping.ShipmentRequested: "",
	} {
		e := memory.New("token")
		s := fulfilment.New(e)
		for _, token := range []string{"", "token", "token", "stale"} {
			if err := s.ResumeFulfilment(t.Context(), shipment(t, eventType, token)); err != nil {
				t.Errorf("%s with token %q: %v", eventType, token, err)
			}
		}
		if got := e.Answer("token"); got != want || e.Answer("stale") != "" {
			t.Errorf("%s: the task %q, want %q", eventType, got, want)
		}
	}
}

func TestACancelledOrderIsCompensatedOnce(t *testing.T) {
	s, e := started(t)
	for range 2 {
		if err := s.CancelFulfilment(t.Context(), event(t, orders.OrderCancellationRequested)); err != nil {
			t.Error(err)
		}
	}
	input := compensation(t, e, id)
	if input["reason"] != "CANCELLED_BY_CUSTOMER" || input["customerId"] != "alice" || e.Executions() != 2 {
		t.Errorf("%d executions, input %v", e.Executions(), input)
	}
}

func TestACompensationStartsWithTheReasonOfItsCancellation(t *testing.T) {
	for given, want := range map[string]string{
		"":                      "CANCELLED_BY_CUSTOMER",
		"CANCELLED_BY_CUSTOMER": "CANCELLED_BY_CUSTOMER",
		"CANCELLED_BY_OPERATOR": "CANCELLED_BY_OPERATOR",
	} {
		s, e := started(t)
		requested := event(t, orders.OrderCancellationRequested)
		data, err := json.Marshal(orders.Changed{OrderID: id, CustomerID: "alice", Reason: given})
		if err != nil {
			t.Fatal(err)
		}
		requested.Data = data
		if err := s.CancelFulfilment(t.Context(), requested); err != nil {
			t.Error(err)
		}
		if input := compensation(t, e, id); input["reason"] != want {
			t.Errorf("%q: the compensation starts with %v", given, input["reason"])
		}
	}
}

func TestAMalformedEventStartsNothing(t *testing.T) {
	e := memory.New("token")
	s := fulfilment.New(e)
	broken := envelope.Event{Type: shipping.ShipmentBooked, Subject: id, Data: json.RawMessage(`[7]`)}
	for name, handle := range map[string]func(context.Context, envelope.Event) error{
		"start": s.StartFulfilment, "cancel": s.CancelFulfilment, "resume": s.ResumeFulfilment,
	} {
		if err := handle(t.Context(), broken); !errors.Is(err, envelope.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	if e.Executions() != 0 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestARedeliveryInAnotherTraceStartsNothing(t *testing.T) {
	e := memory.New()
	created := event(t, orders.OrderCreated)
	created.TraceParent = ""
	for range 2 {
		if err := fulfilment.New(e).StartFulfilment(t.Context(), created); err != nil {
			t.Error(err)
		}
	}
	if e.Executions() != 1 {
		t.Errorf("%d executions", e.Executions())
	}
}

func TestAnOrderThatDiffersFromItsSagaIsRefused(t *testing.T) {
	for _, input := range []string{`{"orderId":"` + id + `","customerId":"bob"}`, `broken`} {
		e := memory.New()
		if err := e.Start(t.Context(), fulfilment.FulfilOrder, id, json.RawMessage(input)); err != nil {
			t.Fatal(err)
		}
		err := fulfilment.New(e).StartFulfilment(t.Context(), event(t, orders.OrderCreated))
		if !errors.Is(err, fulfilment.ErrOtherInput) {
			t.Errorf("saga started with %s: %v, want ErrOtherInput", input, err)
		}
	}
}

func TestAnExecutionWithUnreadableInputIsNotRepaired(t *testing.T) {
	for _, machine := range []fulfilment.Machine{fulfilment.FulfilOrder, fulfilment.CompensateOrder} {
		e := memory.New()
		if err := e.Start(t.Context(), machine, id, json.RawMessage("broken")); err != nil {
			t.Fatal(err)
		}
		e.End(machine, id, fulfilment.Aborted, "")
		s := fulfilment.New(e)
		_, retried := s.RetryCompensation(t.Context(), id, "olga", "r")
		for name, err := range map[string]error{"recover": s.RecoverFulfilment(t.Context(), id), "retry": retried} {
			if err == nil || fault.From(err).Code != "UnreadableInput" {
				t.Errorf("%s, %s: %v, want UnreadableInput", machine, name, err)
			}
		}
		if e.Executions() != 1 {
			t.Errorf("%s: %d executions", machine, e.Executions())
		}
	}
}

// overtaken is an engine in which another caller always starts the execution first.
type overtaken struct{ fulfilment.Engine }

func (e overtaken) Start(ctx context.Context, m fulfilment.Machine, name string, input json.RawMessage) error {
	return errors.Join(e.Engine.Start(ctx, m, name, input), e.Engine.Start(ctx, m, name, input))
}

func TestACompensationStartedByAnotherCallerIsSuccess(t *testing.T) {
	_, e := started(t)
	e.End(fulfilment.FulfilOrder, id, fulfilment.Aborted, "")
	if err := fulfilment.New(overtaken{e}).RecoverFulfilment(t.Context(), id); err != nil || e.Executions() != 2 {
		t.Errorf("%v, %d executions", err, e.Executions())
	}
}
