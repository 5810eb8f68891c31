package shipping

import (
	"context"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping/contract"
)

// AwaitShipment stores the token that resumes the waiting saga. If the shipment is already decided,
// its event is published again, now with the token. Otherwise the decision's event will have the
// token.
//
// Repeating it stores the token again and may publish the event again, so resuming with a used
// token must succeed. A late call replaces a newer token; the newer wait then times out.
func (s *Service) AwaitShipment(ctx context.Context, in contract.Await) (contract.Result, error) {
	if in.OrderID == "" || in.ResumeToken == "" {
		return contract.Result{}, errInput
	}
	return fault.RetryLostRace(func() (contract.Result, error) {
		sh, err := s.store.Get(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		sh = sh.next(s.clock.Now())
		sh.ResumeToken = in.ResumeToken
		if sh.Status == StatusRequested {
			return sh.result(), s.store.Save(ctx, sh, commit.With{})
		}
		return sh.result(), s.save(ctx, sh, nil)
	})
}
