package payments

import (
	"context"
	"errors"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/money"
)

// AuthorizePayment holds the order's amount. A decline is stored like a success, so it is final:
// every repetition of the step fails with ErrDeclined. After a Transient fault nothing is stored,
// though the provider may hold the amount. Repeating the step finds out, and VoidPayment undoes it
// in any case.
func (s *Service) AuthorizePayment(ctx context.Context, in contract.Step) (contract.Result, error) {
	_, err := money.Of(in.Amount.Currency, in.Amount.Amount)
	if err != nil || in.OrderID == "" || in.CustomerID == "" || in.PaymentMethod == "" {
		return contract.Result{}, errInput
	}
	run := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		p, err := s.authorize(ctx, in)
		if err != nil {
			return contract.Result{}, err
		}
		return s.save(ctx, p, once)
	}
	res, err := barrier.Do(ctx, s.store, in.OrderID, stepAuthorize, run)
	if err == nil && res.Status == string(StatusDeclined) {
		err = ErrDeclined
	}
	return res, err
}

// codeAuthentication declines a payment for which the customer must authenticate: the order does
// not wait for that yet.
const codeAuthentication = "authentication_required"

// authorize calls the provider, unless there is nothing to pay, and returns the resulting payment.
func (s *Service) authorize(ctx context.Context, in contract.Step) (Payment, error) {
	if free(in.Amount) {
		p := Payment{OrderID: in.OrderID, CustomerID: in.CustomerID, Amount: in.Amount}
		return p.moveTo(StatusAuthorized, s.clock.Now()), nil
	}
	charge, err := s.provider.Authorize(ctx, Authorization{
		Reference: in.OrderID, IdempotencyKey: key(in.OrderID, stepAuthorize),
		Amount: in.Amount, PaymentMethod: in.PaymentMethod,
	})
	p := Payment{OrderID: in.OrderID, CustomerID: in.CustomerID, Amount: in.Amount, ChargeID: charge.ID}
	var declined *Declined
	var act *ActionRequired
	switch {
	case err == nil:
		return p.moveTo(StatusAuthorized, s.clock.Now()), nil
	case errors.As(err, &declined):
		p.DeclineCode = declined.Code
		return p.moveTo(StatusDeclined, s.clock.Now()), nil
	case errors.As(err, &act): // the compensation bars a late authentication
		p.DeclineCode = codeAuthentication
		return p.moveTo(StatusDeclined, s.clock.Now()), nil
	}
	return Payment{}, voided(err)
}

// voided turns the provider's ErrReferenceVoided into the error that the saga knows.
func voided(err error) error {
	if errors.Is(err, ErrReferenceVoided) {
		return ErrVoided.Because(err)
	}
	return err
}
