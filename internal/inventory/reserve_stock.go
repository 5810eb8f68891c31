package inventory

import (
	"context"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// Names of the saga's steps in barrier records.
const (
	stepReserve = "ReserveStock"
	stepCommit  = "CommitStock"
	stepRelease = "ReleaseStock"
)

var errLines = fault.New(fault.Invalid, "InvalidInput",
	"a step needs an order id and lines of distinct SKUs with positive quantities")

// ReserveStock reserves all lines of an order, or none and returns ErrOutOfStock.
func (s *Service) ReserveStock(ctx context.Context, in contract.Step) (contract.Result, error) {
	if !valid(in) {
		return contract.Result{}, errLines
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepReserve, func(
		ctx context.Context, once barrier.Once,
	) (contract.Result, error) {
		r := Reservation{OrderID: in.OrderID, CustomerID: in.CustomerID, Items: in.Items}
		r = r.moveTo(StatusReserved, s.clock.Now())
		with := commit.With{Barrier: once.Returning(r.result()), Events: s.stateEvents(ctx, contract.StockReserved, r)}
		return r.result(), s.take(ctx, r, with)
	})
}

func valid(in contract.Step) bool {
	seen := map[string]bool{}
	for _, l := range in.Items {
		if l.SKU == "" || l.Quantity < 1 || seen[l.SKU] {
			return false
		}
		seen[l.SKU] = true
	}
	return in.OrderID != "" && len(in.Items) > 0
}
