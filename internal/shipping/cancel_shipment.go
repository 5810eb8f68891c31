package shipping

import (
	"context"
	"errors"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/shipping/contract"
)

// CancelShipment is the compensation of ArrangeShipment and AwaitShipment: afterwards the carrier
// ships nothing for the order and never will. It calls the carrier whatever our records say, since
// a booking that timed out may have left a shipment without a record. It stores a shipment that we
// did not know of, so that its callback finds one. A refused shipment stays refused.
func (s *Service) CancelShipment(ctx context.Context, in contract.Cancel) (contract.Result, error) {
	if in.OrderID == "" {
		return contract.Result{}, errInput
	}
	run := func(ctx context.Context, _ barrier.Done, once barrier.Once) (contract.Result, error) {
		c, found, err := s.carrier.Cancel(ctx, in.OrderID, key(in.OrderID, stepCancel))
		if err != nil {
			return contract.Result{}, err
		}
		sh, err := s.store.Get(ctx, in.OrderID)
		none := errors.Is(err, ErrNoShipment)
		if err != nil && !none {
			return contract.Result{}, err
		}
		if none && found {
			sh = Shipment{
				OrderID: in.OrderID, CustomerID: in.CustomerID, CarrierID: c.ID, TraceParent: tracing.Parent(ctx),
			}
		}
		if none && !found || sh.Status == StatusRefused {
			sh.OrderID = in.OrderID
			return sh.result(), s.store.Record(ctx, commit.With{Barrier: once.Returning(sh.result())})
		}
		sh = sh.moveTo(StatusCancelled, s.clock.Now())
		return sh.result(), s.save(ctx, sh, once.Returning(sh.result()))
	}
	return barrier.Undo(ctx, s.store, in.OrderID, stepCancel, []string{stepArrange}, run)
}
