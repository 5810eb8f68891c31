package shipping

import (
	"context"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping/contract"
)

// AwaitShipment stores the token by which a saga wants to be resumed. If the shipment's fate is decided already, the event
// that told of it is emitted once more, now with the token; else whoever decides it will send the token along.
//
// Repeating it stores the token again, and may emit the event again: whoever resumes must take a token that was
// used for success. A call that comes so late that a newer token stands there replaces it; then the newer wait ends by
// its own timeout.
func (s *Service) AwaitShipment(ctx context.Context, in contract.Await) (contract.Result, error) {
	if in.OrderID == "" || in.ResumeToken == "" {
		return contract.Result{}, errInput
	}
	return fault.RetryLostRace(func() (contract.Result, error) {
		sh, err := s.store.Shipment(ctx, in.OrderID)
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
