package orders

import (
	"context"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// ShowNextAction sets or clears what an order's customer must do, according to an event of
// payments. Events arrive in any order, and twice: the payment's version is their barrier. An order
// that can no longer be confirmed shows nothing.
func (s *Service) ShowNextAction(ctx context.Context, e envelope.Event, in contract.PaymentEvent) error {
	var next *NextAction
	if e.Type == contract.PaymentActionRequired {
		until, err := time.Parse(time.RFC3339, in.Until)
		if err != nil {
			return envelope.ErrMalformed.Because(err)
		}
		next = &NextAction{URL: in.URL, Until: until}
	}
	_, err := fault.RetryLostRace(func() (struct{}, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil || o.Status != StatusPending || o.Closed || o.ActionVersion >= e.AggregateVersion {
			return struct{}{}, err
		}
		o = o.changed(s.clock.Now())
		o.NextAction, o.ActionVersion = next, e.AggregateVersion
		return struct{}{}, s.store.SaveOrder(ctx, o, commit.With{})
	})
	return err
}
