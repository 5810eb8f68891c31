package fulfilment

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
)

// defaultReason is the reason of a cancellation event that is older than its field reason.
const defaultReason = "CANCELLED_BY_CUSTOMER"

// CancelFulfilment compensates an order whose cancellation was requested. It need not stop the
// saga: once a step is undone, barriers refuse the saga's later steps, and the saga hands over to
// the same compensation.
func (s *Service) CancelFulfilment(ctx context.Context, e envelope.Event) error {
	in, err := envelope.Decode[compensation](e)
	if err != nil {
		return err
	}
	if in.Reason == "" {
		in.Reason = defaultReason
	}
	in.TraceParent = tracing.Parent(ctx)
	input, _ := json.Marshal(in) // strings and numbers always encode
	return ignoreExists(s.engine.Start(ctx, CompensateOrder, in.OrderID, input))
}

// ignoreExists returns nil for ErrExists: a compensation that has already started has the same
// effect, whatever its reason.
func ignoreExists(err error) error {
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}
