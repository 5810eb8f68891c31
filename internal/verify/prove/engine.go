package prove

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"orderflow/internal/fulfilment"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// engine lets fulfilment's real use cases operate on a state.
type engine struct {
	x *search
	s *State
}

// deliver passes a message to its use case.
func (x *search) deliver(s *State, m message) {
	service, ctx := fulfilment.New(&engine{x, s}), context.Background()
	var err error
	switch m.kind {
	case cancelling:
		changed := orders.Changed{OrderID: orderID, CustomerID: "c"}
		err = service.CancelFulfilment(ctx, event(orders.OrderCancellationRequested, changed))
	case sagaEnded, undoEnded:
		err = service.RecoverFulfilment(ctx, orderID)
	case wakeUp:
		types := map[shipment]string{
			booked: shipping.ShipmentBooked, refused: shipping.ShipmentRefused,
			shipmentCancelled: shipping.ShipmentCancelled,
		}
		data := shipping.ShipmentEvent{OrderID: orderID, ResumeToken: x.runs.tokens[m.wake.token]}
		err = service.ResumeFulfilment(ctx, event(types[m.wake.shipment], data))
	}
	if err != nil {
		panic(err) // the engine never fails, so this is a defect
	}
}

func event(kind string, data any) envelope.Event {
	b, err := json.Marshal(data)
	if err != nil {
		panic(err) // these always encode
	}
	return envelope.Event{Type: kind, Subject: orderID, Data: b}
}

// Start starts the next compensation. The saga is already started.
func (e *engine) Start(_ context.Context, m fulfilment.Machine, name string, input json.RawMessage) error {
	n := numberOf(name)
	if m == fulfilment.FulfilOrder || n <= e.s.Attempt {
		return fulfilment.ErrExists
	}
	e.s.Attempt = n
	e.x.start(e.s, ofUndo, name, input)
	return nil
}

// numberOf returns the attempt of a compensate-order execution from its name.
func numberOf(name string) uint8 {
	_, n, found := strings.Cut(name, "-")
	if !found {
		return 1
	}
	i, err := strconv.ParseUint(n, 10, 8)
	if err != nil {
		panic(err) // fulfilment names attempts by numbers
	}
	return uint8(i)
}

// Execution returns an execution. All attempts but the latest were aborted or failed, or there
// would be no later one.
func (e *engine) Execution(_ context.Context, m fulfilment.Machine, name string) (fulfilment.Execution, error) {
	k := ofSaga
	if m != fulfilment.FulfilOrder {
		k = ofUndo
		switch n := numberOf(name); {
		case n > e.s.Attempt:
			return fulfilment.Execution{}, fulfilment.ErrNoExecution
		case n < e.s.Attempt:
			return fulfilment.Execution{Status: fulfilment.Aborted}, nil
		}
	}
	found := fulfilment.Execution{Status: fulfilment.Running, Input: e.x.run(e.s, k).Input()}
	if end, over := e.x.end(e.s, k); over {
		found.Status, found.Error = fulfilment.Status(end.Status), end.Error
	}
	return found, nil
}

// Input returns an execution's input.
func (e *engine) Input(ctx context.Context, m fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := e.Execution(ctx, m, name)
	return x.Input, err
}

// Succeed answers the task that waits for a token.
func (e *engine) Succeed(_ context.Context, token string, output json.RawMessage) error {
	return e.answer(token, func() { e.x.succeed(e.s, ofSaga, string(output)) })
}

// Fail fails the task that waits for a token.
func (e *engine) Fail(_ context.Context, token, name, _ string) error {
	return e.answer(token, func() { e.x.fail(e.s, ofSaga, name) })
}

func (e *engine) answer(token string, give func()) error {
	if task, waits := e.x.awaited(e.s, ofSaga); !waits || task.Token != token {
		return fulfilment.ErrStaleToken
	}
	e.s.abandon(ofSaga) // its function may not have returned yet
	give()
	return nil
}
