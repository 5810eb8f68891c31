package inventory

import (
	"context"
	"errors"
	"fmt"
	"strings"

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

// ReserveStock reserves all lines of an order. If one is short, it reserves none and returns
// ErrOutOfStock with the shortages.
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
		err := s.take(ctx, r, with)
		var short Shortages
		if errors.As(err, &short) {
			err = short.told(in.Items)
		}
		return r.result(), err
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

// Shortages are the pieces that are missing for lines of an order: an ErrOutOfStock.
type Shortages []contract.Line

// Error returns the text of ErrOutOfStock.
func (s Shortages) Error() string { return ErrOutOfStock.Error() }

// Unwrap returns ErrOutOfStock.
func (s Shortages) Unwrap() error { return ErrOutOfStock }

// told returns ErrOutOfStock with the shortages in the form of orders' contract.Reject: the number
// of each line, from 1, and what is missing. The saga cuts them out of the text, since a step's
// error has only a text. Lines are named by number, since a SKU may look like something that must
// not be logged.
func (s Shortages) told(lines []contract.Line) error {
	var text []string
	for i, line := range lines {
		for _, lack := range s {
			if lack.SKU == line.SKU {
				text = append(text, fmt.Sprintf("%d:%d", i+1, lack.Quantity))
			}
		}
	}
	return ErrOutOfStock.Detailf("%s (short: %s)", ErrOutOfStock.Detail, strings.Join(text, " "))
}
