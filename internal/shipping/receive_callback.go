package shipping

import (
	"context"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/tracing"
)

// Callback is what the carrier has decided.
type Callback struct {
	// ID is the same when the callback is repeated.
	ID string
	// Reference is the order's id.
	Reference string
	// Status is BOOKED or REFUSED.
	Status Status
	// TrackingNumber has at most 64 characters and Reason 200, all of which can be seen; either may be empty.
	TrackingNumber, Reason string
}

// ReceiveCallback takes the carrier's decision. The first one stands: a repeated callback, one after the shipment was
// cancelled, or a second opinion changes nothing and is no error.
//
// The carrier may be faster than our own record of having asked it. Then the answer is ErrNoShipment and nothing is
// written, so the callback is as new when the carrier repeats it.
//
// The rest of the saga belongs to the trace in which the carrier was asked, also where the carrier does not hand it on.
func (s *Service) ReceiveCallback(ctx context.Context, cb Callback) error {
	return barrier.Consume(ctx, s.store, onCallback, cb.ID, func(ctx context.Context, once barrier.Once) (err error) {
		sh, err := s.store.Shipment(ctx, cb.Reference)
		if err != nil {
			return err
		}
		ctx, span := tracing.Rejoin(ctx, sh.TraceParent, "receive callback", tracing.Order(sh.OrderID))
		defer func() { tracing.End(span, err) }()
		entry := once.Returning(struct{}{})
		if sh.Status != StatusRequested {
			return s.store.Record(ctx, commit.With{Barrier: entry})
		}
		sh = sh.moveTo(cb.Status, s.clock.Now())
		sh.TrackingNumber, sh.Reason = cb.TrackingNumber, cb.Reason
		return s.save(ctx, sh, entry)
	})
}
