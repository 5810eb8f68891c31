package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// Names of the saga's steps, by which barriers know them.
const (
	stepConfirm = "ConfirmOrder"
	stepClose   = "CloseOrder"
)

// ConfirmOrder is the saga's last step and its point of no return: from here on the order is not undone any more. It
// fails with ErrClosed if the order was closed, or barrier.ErrCompensated after CloseOrder.
func (s *Service) ConfirmOrder(ctx context.Context, in contract.Confirm) (contract.Result, error) {
	return barrier.Do(ctx, s.store, in.OrderID, stepConfirm, func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if o.Closed {
			return contract.Result{}, ErrClosed
		}
		if o, err = o.become(StatusConfirmed, "", "", s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		o.TrackingNumber = in.TrackingNumber
		return o.result(), s.save(ctx, o, contract.OrderConfirmed, commit.With{Barrier: once.Returning(o.result())})
	})
}
