package payments

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// AuthorizePayment holds the order's amount. A decline is stored like a success, so it is final:
// every repetition of the step fails with ErrDeclined. After a Transient fault nothing is stored,
// although the provider may hold the amount. Repeating the step resolves that, and VoidPayment
// undoes it in any case.
//
// If the customer must act first, it stores and publishes what they must do, and fails with
// ErrActionRequired, which is not final: repeating the step asks the provider again. The saga does
// so once it has waited for the customer. If the customer has still not acted, the payment is
// abandoned, which is final: the step fails with ErrAbandoned.
func (s *Service) AuthorizePayment(ctx context.Context, in contract.Step) (contract.Result, error) {
	_, err := money.Of(in.Amount.Currency, in.Amount.Amount)
	if err != nil || in.OrderID == "" || in.CustomerID == "" || in.PaymentMethod == "" {
		return contract.Result{}, errInput
	}
	asked := in.Waited // whether a payment that waits for the customer may be stored
	run := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		before := Payment{OrderID: in.OrderID, CustomerID: in.CustomerID, Amount: in.Amount}
		if asked {
			stored, err := s.store.Get(ctx, in.OrderID)
			if err != nil && !errors.Is(err, ErrNoPayment) {
				return contract.Result{}, err
			}
			if err == nil {
				before = stored
			}
		}
		p, err := s.authorize(ctx, in, before)
		if err != nil {
			return contract.Result{}, err
		}
		res, err := s.save(ctx, p, before, once)
		asked = asked || errors.Is(err, fault.ErrLostRace)
		return res, err
	}
	res, err := barrier.Do(ctx, s.store, in.OrderID, stepAuthorize, run)
	switch {
	case err != nil || res.Status != string(StatusDeclined):
		return res, err
	case res.Reason == codeAbandoned:
		return res, ErrAbandoned
	}
	return res, ErrDeclined
}

// codeAbandoned is the code of a payment for which the customer did not act in time.
const codeAbandoned = "authentication_abandoned"

// authorize calls the provider, unless there is nothing to pay, and returns the resulting payment.
func (s *Service) authorize(ctx context.Context, in contract.Step, p Payment) (Payment, error) {
	if free(in.Amount) {
		return p.moveTo(StatusAuthorized, s.clock.Now()), nil
	}
	charge, err := s.provider.Authorize(ctx, Authorization{
		Reference: in.OrderID, IdempotencyKey: key(in.OrderID, stepAuthorize),
		Amount: in.Amount, PaymentMethod: in.PaymentMethod,
	})
	var declined *Declined
	var act *ActionRequired
	switch {
	case err == nil:
		p.ChargeID = charge.ID
		return p.moveTo(StatusAuthorized, s.clock.Now()), nil
	case errors.As(err, &declined):
		p.DeclineCode = declined.Code
		return p.moveTo(StatusDeclined, s.clock.Now()), nil
	case errors.As(err, &act) && in.Waited: // the compensation bars a late authentication
		p.DeclineCode = codeAbandoned
		return p.moveTo(StatusDeclined, s.clock.Now()), nil
	case errors.As(err, &act):
		return Payment{}, s.ask(ctx, in, act.URL)
	}
	return Payment{}, voided(err)
}

// ask stores once that the customer must act, and returns ErrActionRequired. It has its own
// barrier, which refuses a late call after the compensation.
func (s *Service) ask(ctx context.Context, in contract.Step, url string) error {
	run := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		p := Payment{OrderID: in.OrderID, CustomerID: in.CustomerID, Amount: in.Amount}
		p = p.moveTo(StatusActionRequired, s.clock.Now())
		p.Action = Action{URL: url, Until: p.UpdatedAt.Add(contract.TimeToAct).Truncate(time.Second)}
		return s.save(ctx, p, Payment{}, once)
	}
	if _, err := barrier.Do(ctx, s.store, in.OrderID, stepAsk, run); err != nil {
		return err
	}
	return ErrActionRequired
}

// voided turns the provider's ErrReferenceVoided into the error that the saga knows.
func voided(err error) error {
	if errors.Is(err, ErrReferenceVoided) {
		return ErrVoided.Because(err)
	}
	return err
}
