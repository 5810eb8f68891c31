package fulfilment

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
)

// StartFulfilment starts the saga of a created order. For a repeated event, it succeeds if the
// order's execution has the same input, and fails with ErrOtherInput if not.
func (s *Service) StartFulfilment(ctx context.Context, e envelope.Event) error {
	o, err := envelope.Decode[order](e)
	if err != nil {
		return err
	}
	o.TraceParent = tracing.Parent(ctx)
	input, err := deriveInput(e.Data, trace{o.TraceParent}, "customerEmail")
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

// trace is what the saga's input has besides the event's data.
type trace struct {
	TraceParent string `json:"traceparent"`
}

// sameOrder reports whether a saga's input has this order. The trace may differ, since each
// delivery of the event has its own span.
func sameOrder(input json.RawMessage, o order) bool {
	var started order
	if json.Unmarshal(input, &started) != nil {
		return false
	}
	started.TraceParent = o.TraceParent
	return reflect.DeepEqual(started, o)
}
