package fulfilment

import (
	"context"
	"errors"
	"log/slog"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

// CheckOverdue handles the events by which a service's sweep reports an order that waits for longer
// than a saga should take. Usually there is nothing to do: the saga still waits for a third party,
// is being compensated or was left to an operator. Otherwise the order is recovered like one whose
// execution ended unplanned. If the saga never started because its event was lost, it is started
// now. CheckOverdue fails with ErrNeverStarted if there is neither a saga nor the data to start
// one.
func (s *Service) CheckOverdue(ctx context.Context, e envelope.Event) error {
	var err error
	switch e.Type {
	case orders.OrderOverdue:
		err = s.recover(ctx, e.Subject, func() error { return s.StartFulfilment(ctx, e) })
	case inventory.ReservationOverdue:
		err = s.recover(ctx, e.Subject, nil)
	}
	if errors.Is(err, ErrExhausted) {
		// The end of the last attempt has raised the alarm, and the next sweep will report this
		// again.
		slog.ErrorContext(ctx, "the order was left to an operator", "orderId", e.Subject, "error", err.Error())
		return nil
	}
	return err
}
