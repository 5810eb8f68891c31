package shipping

import (
	"context"
	"errors"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/shipping/contract"
)

// ArrangeShipment asks the carrier to ship the order. After a Transient fault nothing is stored,
// although the carrier may have a booking. Repeating the step resolves that, and CancelShipment
// undoes it in any case.
func (s *Service) ArrangeShipment(ctx context.Context, in contract.Arrange) (contract.Result, error) {
	if in.OrderID == "" || in.CustomerID == "" || len(in.Items) == 0 || in.Address == (contract.Address{}) {
		return contract.Result{}, errInput
	}
	run := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		c, err := s.carrier.Book(ctx, Booking{
			Reference: in.OrderID, IdempotencyKey: key(in.OrderID, stepArrange), Address: in.Address, Items: in.Items,
		})
		if errors.Is(err, ErrReferenceCancelled) {
			err = ErrCancelled.Because(err)
		}
		if err != nil {
			return contract.Result{}, err
		}
		sh := Shipment{
			OrderID: in.OrderID, CustomerID: in.CustomerID, CarrierID: c.ID, TraceParent: tracing.Parent(ctx),
		}.moveTo(StatusRequested, s.clock.Now())
		return sh.result(), s.save(ctx, sh, once.Returning(sh.result()))
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepArrange, run)
}
