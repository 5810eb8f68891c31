package orders

import (
	"context"
	"strings"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// FlagOrder marks a PENDING order that could not be undone as NEEDS_ATTENTION, so that an operator looks at it. In any
// other status the order stays as it is, and that status is returned. See RejectOrder for why there is no barrier.
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
		if o, err = o.become(StatusNeedsAttention, ReasonCompensationFailed, detail, s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		return o.result(), s.save(ctx, o, contract.OrderNeedsAttention, commit.With{})
	})
}
