package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// RejectOrder ends an order after its compensation: as CANCELLED if that was requested, else as
// REJECTED with the given reason. A final order is unchanged, and its status is returned.
//
// Neither RejectOrder nor FlagOrder has a barrier. The status shows whether anything is left to do,
// since the transitions have no cycle, and the version lets only one writer through. A barrier
// would even do harm: a later execution for the same order, such as an operator's after FlagOrder,
// would get the recorded result instead of the current status.
func (s *Service) RejectOrder(ctx context.Context, in contract.Reject) (contract.Result, error) {
	return fault.RetryLostRace(func() (contract.Result, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if o.Status.Final() {
			return o.result(), nil
		}
		status, reason, event := StatusRejected, reasonOf(in.Reason), contract.OrderRejected
		if o.CancelRequested {
			status, reason, event = StatusCancelled, o.cancelReason(), contract.OrderCancelled
		}
		if reason == ReasonOutOfStock {
			o.Shortages = o.short(in.Shortages)
		}
		if o, err = o.transition(status, reason, in.Detail, s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		return o.result(), s.save(ctx, o, event, commit.With{})
	})
}
