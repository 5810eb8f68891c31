package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// CloseOrder is the compensation of ConfirmOrder and comes before all others: it either finds the order
// confirmed, which ends the compensation with nothing undone, or makes sure that it never will be.
func (s *Service) CloseOrder(ctx context.Context, in contract.Close) (contract.Closed, error) {
	undoes := []string{stepConfirm}
	return barrier.Undo(ctx, s.store, in.OrderID, stepClose, undoes, func(ctx context.Context, done barrier.Done, once barrier.Once) (contract.Closed, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Closed{}, err
		}
		// The status says the same as the record, which is written with it, but does not expire.
		closed := contract.Closed{Confirmed: done[stepConfirm] || o.Status == StatusConfirmed}
		with := commit.With{Barrier: once.Returning(closed)}
		if closed.Confirmed || o.Closed {
			return closed, s.store.Record(ctx, with)
		}
		return closed, s.store.SaveOrder(ctx, o.close(s.clock.Now()), with)
	})
}
