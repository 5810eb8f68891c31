package shipping

import (
	"context"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
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
// after a cancellation, or a different decision changes nothing and is not an error.
//
// A callback may arrive before our record of the booking. Then ReceiveCallback returns
// ErrNoShipment and stores nothing, and the carrier repeats the callback.
//
// The callback continues the trace of the booking, even if the carrier does not propagate it.
func (s *Service) ReceiveCallback(ctx context.Context, cb Callback) error {
	return barrier.Consume(ctx, s.store, onCallback, cb.ID, func(ctx context.Context, once barrier.Once) (err error) {
		sh, err := s.store.Get(ctx, cb.Reference)
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
