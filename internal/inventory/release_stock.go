package inventory

import (
	"context"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// ReleaseStock is the compensation of ReserveStock and CommitStock: it makes the order's stock
// available again. If nothing was reserved, it prevents any later reservation.
func (s *Service) ReleaseStock(ctx context.Context, in contract.Step) (contract.Result, error) {
	if in.OrderID == "" {
		return contract.Result{}, errLines
	}
	undoes := []string{stepCommit, stepReserve}
	return barrier.Undo(ctx, s.store, in.OrderID, stepRelease, undoes, func(
		ctx context.Context, done barrier.Done, once barrier.Once,
	) (contract.Result, error) {
		if !done[stepReserve] {
			none := contract.Result{OrderID: in.OrderID}
			return none, s.store.Record(ctx, commit.With{Barrier: once.Returning(none)})
		}
		r, err := s.store.Reservation(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if r.Status == StatusReleased {
			return contract.Result{}, fault.ErrLostRace // against a duplicate of this call
		}
		from := r.bucket()
		r = r.moveTo(StatusReleased, s.clock.Now())
		with := commit.With{Barrier: once.Returning(r.result()), Events: s.stateEvents(ctx, contract.StockReleased, r)}
		return r.result(), s.move(ctx, r, from, Available, with)
	})
}
