package orders

import (
	"context"
	"strings"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// FlagOrder marks a PENDING order whose compensation failed as NEEDS_ATTENTION, for an operator. An
// order in any other status is unchanged, and its status is returned. RejectOrder explains why
// neither has a barrier.
func (s *Service) FlagOrder(ctx context.Context, in contract.Flag) (contract.Result, error) {
	return fault.RetryLostRace(func() (contract.Result, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if o.Status != StatusPending {
			return o.result(), nil
		}
		detail := strings.Trim(in.Reason+": "+in.Detail, ": ") // either may be missing
		if o, err = o.transition(StatusNeedsAttention, ReasonCompensationFailed, detail, s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		return o.result(), s.save(ctx, o, contract.OrderNeedsAttention, commit.With{})
	})
}
