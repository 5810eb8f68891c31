package inventory

import (
	"context"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// CommitStock turns an order's reserved stock into shipped stock.
func (s *Service) CommitStock(ctx context.Context, in contract.Step) (contract.Result, error) {
	if in.OrderID == "" {
		return contract.Result{}, errLines
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepCommit, func(
		ctx context.Context, once barrier.Once,
	) (contract.Result, error) {
		r, err := s.store.Reservation(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if r.Status != StatusReserved {
			return contract.Result{}, ErrNotReserved
		}
		r = r.moveTo(StatusCommitted, s.clock.Now())
		with := commit.With{Barrier: once.Returning(r.result()), Events: s.stateEvents(ctx, contract.StockCommitted, r)}
		return r.result(), s.move(ctx, r, Reserved, Shipped, with)
	})
}
