package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
)

// CancelOrder asks for a PENDING order to be cancelled: it is closed at once, and the event has everything undone
// behind. caller is whoever asks; the order keeps whether that was its customer or an operator. Asking again, or after it was
// cancelled, returns the order as it is and changes nothing. It fails with ErrNoOrder, or ErrNotCancellable in any other status.
func (s *Service) CancelOrder(ctx context.Context, req idempotency.Request, orderID, caller string, may Access) (o Order, replayed bool, err error) {
	// Who may no longer see the order is not told either what it was when they could.
	found, err := s.find(ctx, orderID, may)
	if err != nil {
		return Order{}, false, err
	}
	again := false
	return idempotency.Do(ctx, s.store, req, func(ctx context.Context, once idempotency.Once) (Order, error) {
		o := found
		if again {
			if o, err = s.find(ctx, orderID, may); err != nil {
				return Order{}, err
			}
		}
		again = true
		switch {
		case o.Status == StatusCancelled, o.Status == StatusPending && o.CancelRequested:
			return o, s.store.Record(ctx, commit.With{Reply: once.Returning(o)})
		case o.Status == StatusNeedsAttention:
			return Order{}, ErrNotCancellable.Detailf("the order needs attention: undoing it has failed, and an operator has to finish that. It will not be delivered, and what was " +
				"paid or held will be given back; there is nothing left to cancel")
		case o.Status != StatusPending:
			return Order{}, ErrNotCancellable.Detailf("the order is %s and can no longer be cancelled", o.Status)
		}
		// It may be closed already, by a compensation that is on its way: then it ends as CANCELLED instead of REJECTED.
		o = o.close(s.clock.Now())
		o.CancelRequested, o.CancelRequestedBy = true, ByCustomer
		if caller != o.CustomerID {
			o.CancelRequestedBy = ByOperator
		}
		return o, s.save(ctx, o, contract.OrderCancellationRequested, commit.With{Reply: once.Returning(o)})
	})
}
