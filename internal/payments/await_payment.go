package payments

import (
	"context"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// AwaitPayment stores the token that resumes the saga once the customer has acted. If the customer
// no longer has to act, the event that says so is published again, with the token. Otherwise the
// later event will have the token.
//
// Repeating it stores the token again and may publish the event again, so resuming with a used
// token must succeed. A late call replaces a newer token; the newer wait then times out.
func (s *Service) AwaitPayment(ctx context.Context, in contract.Await) (contract.Result, error) {
	if in.OrderID == "" || in.ResumeToken == "" {
		return contract.Result{}, errInput
	}
	return fault.RetryLostRace(func() (contract.Result, error) {
		p, err := s.store.Get(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		p = p.next(s.clock.Now())
		var with commit.With
		if p.waits() {
			p.Action.ResumeToken = in.ResumeToken
		} else {
			with.Events = []envelope.Event{s.actionEnded(ctx, p, in.ResumeToken)}
		}
		return p.result(), s.store.Save(ctx, p, with)
	})
}
