package fulfilment

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

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
	// The event's own trace, not this delivery's, so that a second delivery gives the same input.
	if o.TraceParent = e.TraceParent; o.TraceParent == "" {
		o.TraceParent = tracing.Parent(ctx)
	}
	input, err := json.Marshal(o)
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
	if e.TraceParent != "" && !bytes.Equal(started, input) {
		return ErrOtherInput
	}
	return nil
}
