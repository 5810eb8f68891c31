package fulfilment

import (
	"context"
	"errors"
	"log/slog"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

// CheckOverdue is told by a service's sweep that something of an order waits for longer than a saga should last. Nearly always
// its saga still waits for a third party, or it is being compensated, or an operator's; where none of these is so, it is brought to rest like any other
// order whose execution ended unplanned. An order whose saga was never started, because its event was lost, is
// started now. It fails with ErrNeverStarted where there is neither a saga nor what it takes to start one.
func (s *Service) CheckOverdue(ctx context.Context, e envelope.Event) error {
	var err error
	switch e.Type {
	case orders.OrderOverdue:
		err = s.recover(ctx, e.Subject, func() error { return s.StartFulfilment(ctx, e) })
	case inventory.ReservationOverdue:
		err = s.recover(ctx, e.Subject, nil)
	}
	if errors.Is(err, ErrExhausted) {
		// The end of the last attempt has said so already, and the sweep will say it again in minutes.
		slog.ErrorContext(ctx, "an operator has to look at this order", "orderId", e.Subject, "error", err.Error())
		return nil
	}
	return err
}
