package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
)

// StartFulfilment starts the saga of a created order. The event may come again: an
// execution of the order's name with the same input is success.
func (s *Service) StartFulfilment(ctx context.Context, e envelope.Event) error {
	o, err := envelope.Decode[order](e)
	if err != nil {
		return err
	}
	o.TraceParent = tracing.Parent(ctx)
	input, err := passOn(e.Data, trace{o.TraceParent}, "customerEmail")
	if err != nil {
		return err
	}
	err = s.engine.Start(ctx, FulfilOrder, o.OrderID, input)
	if !errors.Is(err, ErrExists) {
		return err
	}
	started, err := s.engine.Input(ctx, FulfilOrder, o.OrderID)
	if err != nil {
		return err
	}
	if !sameOrder(started, o) {
		return ErrOtherInput
	}
	return nil
}

// trace is what the saga's input has beside the event's data.
type trace struct {
	TraceParent string `json:"traceparent"`
}

// sameOrder tells whether a saga was started with this order. The traces differ: each delivery of the event has a span of its
// own, below which the saga's steps are.
func sameOrder(input json.RawMessage, o order) bool {
	var started order
	if json.Unmarshal(input, &started) != nil {
		return false
	}
	started.TraceParent = o.TraceParent
	return reflect.DeepEqual(started, o)
}
