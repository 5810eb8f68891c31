package payments

import (
	"context"
	"errors"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// VoidPayment is the compensation of CapturePayment and AuthorizePayment: afterwards the provider
// holds nothing for the order and never will. It calls the provider whatever our records say, since
// an authorization that timed out may have left a charge without a record. It stores a charge that
// we did not know of. If there was nothing to pay, the provider was never called and is not called
// here.
func (s *Service) VoidPayment(ctx context.Context, in contract.Step) (contract.Result, error) {
	if in.OrderID == "" {
		return contract.Result{}, errInput
	}
	undoes := []string{stepCapture, stepAuthorize, stepAsk}
	run := func(ctx context.Context, _ barrier.Done, once barrier.Once) (contract.Result, error) {
		p, err := s.store.Get(ctx, in.OrderID)
		switch {
		case errors.Is(err, ErrNoPayment):
			p = Payment{OrderID: in.OrderID, CustomerID: in.CustomerID, Amount: in.Amount}
		case err != nil:
			return contract.Result{}, err
		}
		if p.free() && p.Version == 0 {
			return p.result(), s.store.Record(ctx, commit.With{Barrier: once.Returning(p.result())})
		} else if p.free() {
			return s.save(ctx, p.moveTo(StatusVoided, s.clock.Now()), p, once)
		}
		charge, found, err := s.provider.Void(ctx, p.subject(stepVoid))
		if err != nil {
			return contract.Result{}, err
		}
		switch {
		case found:
			after := p
			after.ChargeID, after.DeclineCode = charge.ID, ""
			return s.save(ctx, after.moveTo(Status(charge.Status), s.clock.Now()), p, once)
		case p.Status == StatusActionRequired: // the customer can no longer act
			return s.save(ctx, p.moveTo(StatusVoided, s.clock.Now()), p, once)
		case p.ChargeID != "":
			return contract.Result{}, ErrChargeMissing
		}
		return p.result(), s.store.Record(ctx, commit.With{Barrier: once.Returning(p.result())})
	}
	return barrier.Undo(ctx, s.store, in.OrderID, stepVoid, undoes, run)
}
