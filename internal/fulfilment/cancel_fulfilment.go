package fulfilment

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
)

// cancelled is the reason of a cancellation that does not say whose it is: an event from before it did.
const cancelled = "CANCELLED_BY_CUSTOMER"

// CancelFulfilment undoes an order whose customer, or an operator, asked for it. It need not stop the order's
// saga: once a step is undone, its barrier refuses the saga's next step, and the saga
// hands itself over to the same compensation.
func (s *Service) CancelFulfilment(ctx context.Context, e envelope.Event) error {
	u, err := envelope.Decode[undoing](e)
	if err != nil {
		return err
	}
	if u.Reason == "" {
		u.Reason = cancelled
	}
	u.TraceParent = tracing.Parent(ctx)
	input, _ := json.Marshal(u) // texts can always be encoded
	// If a compensation runs already, whatever its reason, it is the one.
	if err := s.engine.Start(ctx, CompensateOrder, u.OrderID, input); !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}
