package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// Names of the saga's steps, used as barrier keys.
const (
	stepConfirm = "ConfirmOrder"
	stepClose   = "CloseOrder"
)

// ConfirmOrder is the saga's last step and its point of no return. It fails with ErrClosed if the
// order was closed, or with barrier.ErrCompensated after CloseOrder.
func (s *Service) ConfirmOrder(ctx context.Context, in contract.Confirm) (contract.Result, error) {
	confirm := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if o.Closed {
			return contract.Result{}, ErrClosed
		}
		if o, err = o.transition(StatusConfirmed, "", "", s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		o.TrackingNumber = in.TrackingNumber
		return o.result(), s.save(ctx, o, contract.OrderConfirmed, commit.With{Barrier: once.Returning(o.result())})
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepConfirm, confirm)
}
