package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
)

// Requester is who requested an order's cancellation.
type Requester string

// The requesters. An operator who cancels an own order counts as the customer.
const (
	ByCustomer Requester = "CUSTOMER"
	ByOperator Requester = "OPERATOR"
)

// CancelOrder closes a PENDING order and requests its cancellation by an event; fulfilment then
// undoes its steps. The order records whether caller is its customer or an operator. If the
// cancellation was requested before, the order is returned unchanged. CancelOrder fails with
// ErrNoOrder, or with ErrNotCancellable in any other status.
func (s *Service) CancelOrder(
	ctx context.Context, req idempotency.Request, orderID, caller string, may Access,
) (o Order, replayed bool, err error) {
	// A caller who may no longer see the order must not get a stored result either.
	authorized, err := s.find(ctx, orderID, may)
	if err != nil {
		return Order{}, false, err
	}
	retry := false
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Order, error) {
		o := authorized
		if retry { // after a lost race
			if o, err = s.find(ctx, orderID, may); err != nil {
				return Order{}, err
			}
		}
		retry = true
		switch {
		case o.Status == StatusCancelled, o.Status == StatusPending && o.CancelRequested:
			return o, s.store.Record(ctx, commit.With{Reply: once.Returning(o)})
		case o.Status == StatusNeedsAttention:
			return Order{}, ErrNotCancellable.Detailf("the order needs attention: undoing it failed, and an operator " +
				"has to finish that. It will not be delivered, and you will not be charged or get a refund")
		case o.Status != StatusPending:
			return Order{}, ErrNotCancellable.Detailf("the order is %s and can no longer be cancelled", o.Status)
		}
		// If a running compensation has closed the order, it ends as CANCELLED instead of REJECTED.
		o = o.close(s.clock.Now())
		o.CancelRequested, o.CancelRequestedBy = true, ByCustomer
		if caller != o.CustomerID {
			o.CancelRequestedBy = ByOperator
		}
		return o, s.save(ctx, o, contract.OrderCancellationRequested, commit.With{Reply: once.Returning(o)})
	})
}
