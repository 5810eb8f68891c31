package orders

import (
	"context"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// RejectOrder ends an order of which everything is undone: as CANCELLED if its customer or an operator asked for
// that, else as REJECTED with the reason given. A final order stays as it is, and its status is returned.
//
// Neither it nor FlagOrder has a barrier. The status itself tells whether there is anything left to do, since the
// transitions have no cycle, and the version lets only one of several writers through. A barrier would also
// do harm: it would answer a later execution for the same order (an operator's, after FlagOrder) with the
// result of the first one instead of where the order stands.
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
			status, reason, event = StatusCancelled, o.cancellation(), contract.OrderCancelled
		}
		if o, err = o.become(status, reason, in.Detail, s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		return o.result(), s.save(ctx, o, event, commit.With{})
	})
}
