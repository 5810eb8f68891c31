package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// CloseOrder is the first step of a compensation and undoes ConfirmOrder: a confirmed order stays
// confirmed, and the compensation ends without undoing anything; any other order can no longer be
// confirmed.
func (s *Service) CloseOrder(ctx context.Context, in contract.Close) (contract.Closed, error) {
	undo := func(ctx context.Context, done barrier.Done, once barrier.Once) (contract.Closed, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Closed{}, err
		}
		// The status is written with the step's record but does not expire.
		closed := contract.Closed{Confirmed: done[stepConfirm] || o.Status == StatusConfirmed}
		with := commit.With{Barrier: once.Returning(closed)}
		if closed.Confirmed || o.Closed {
			return closed, s.store.Record(ctx, with)
		}
		return closed, s.store.SaveOrder(ctx, o.close(s.clock.Now()), with)
	}
	return barrier.Undo(ctx, s.store, in.OrderID, stepClose, []string{stepConfirm}, undo)
}
