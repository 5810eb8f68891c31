package shipping

import (
	"context"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// Callback is the carrier's decision.
type Callback struct {
	// ID is the same for repeated callbacks.
	ID string
	// Reference is the order's id.
	Reference string
	// Status is BOOKED or REFUSED.
	Status Status
	// TrackingNumber has at most 64 printable characters, Reason at most 200. Both may be empty.
	TrackingNumber, Reason string
}

// ReceiveCallback stores the carrier's decision. The first one stands: a repeated callback, one
// after a cancellation, or a different decision finds a shipment that is no longer REQUESTED,
// changes nothing and is not an error. So it needs no barrier record.
//
// A callback may arrive before our record of the booking. Then ReceiveCallback returns
// ErrNoShipment and stores nothing, and the carrier repeats the callback.
//
// The callback continues the trace of the booking, even if the carrier does not propagate it.
func (s *Service) ReceiveCallback(ctx context.Context, cb Callback) error {
	_, err := fault.RetryLostRace(func() (_ struct{}, err error) {
		sh, err := s.store.Get(ctx, cb.Reference)
		if err != nil {
			return struct{}{}, err
		}
		ctx, span := tracing.Rejoin(ctx, sh.TraceParent, "receive callback", tracing.Order(sh.OrderID))
		defer func() { tracing.End(span, err) }()
		if sh.Status != StatusRequested {
			return struct{}{}, nil
		}
		sh = sh.moveTo(cb.Status, s.clock.Now())
		sh.TrackingNumber, sh.Reason = cb.TrackingNumber, cb.Reason
		return struct{}{}, s.save(ctx, sh, nil)
	})
	return err
}
