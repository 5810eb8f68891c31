package payments

import (
	"context"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/money"
)

// Status is the state of a payment.
type Status string

// A payment is declined for good, or authorized and then captured. Undoing it voids or refunds it.
// Before that it may wait for the customer to act, as the provider requires.
// A payment of zero goes through the same states without the provider; undoing it voids it.
const (
	StatusAuthorized Status = "AUTHORIZED"
	StatusCaptured   Status = "CAPTURED"
	StatusVoided     Status = "VOIDED"
	StatusRefunded   Status = "REFUNDED"
	StatusDeclined   Status = "DECLINED"
	// StatusActionRequired: nothing is held yet; the customer must act.
	StatusActionRequired Status = "ACTION_REQUIRED"
)

// Payment is an order's payment.
type Payment struct {
	OrderID    string
	CustomerID string
	Status     Status
	Amount     money.Money
	// ChargeID is the provider's id; empty if declined, or if there was nothing to pay.
	ChargeID string
	// Refunded is the sum of partial refunds, in minor units. It only grows. See RefundedAmount.
	Refunded int64
	// Dispute is empty unless the customer's bank has reclaimed the money.
	Dispute Dispute
	// DeclineCode is the provider's code for a decline.
	DeclineCode string
	// Action is what the customer has to do, in status ACTION_REQUIRED.
	Action Action
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity implements commit.Aggregate.
func (p Payment) Identity() (id string, version int64) { return p.OrderID, p.Version }

// Action is what the customer has to do before the provider authorizes a payment.
type Action struct {
	// URL is the page on which the customer acts, and Until the deadline, in whole seconds.
	URL   string
	Until time.Time
	// Ended says that the customer no longer has to act: the provider has an answer.
	Ended bool
	// ResumeToken resumes the saga that waits for the customer; empty if none does.
	ResumeToken string
}

// Dispute is the state of a chargeback by the customer's bank.
type Dispute string

// A dispute is open until the bank decides. Won: we keep the money. Lost: it is gone.
const (
	DisputeOpen Dispute = "OPEN"
	DisputeWon  Dispute = "WON"
	DisputeLost Dispute = "LOST"
)

// next returns the payment's next version.
func (p Payment) next(at time.Time) Payment {
	p.UpdatedAt, p.Version = at, p.Version+1
	return p
}

// moveTo returns the payment's next version with another status.
func (p Payment) moveTo(status Status, at time.Time) Payment {
	p.Status, p.Action = status, Action{}
	return p.next(at)
}

// waits reports whether the customer has to act, according to our record.
func (p Payment) waits() bool { return p.Status == StatusActionRequired && !p.Action.Ended }

func (p Payment) result() contract.Result {
	r := contract.Result{OrderID: p.OrderID, Status: string(p.Status)}
	if p.DeclineCode == codeAbandoned {
		r.Reason = codeAbandoned
	}
	return r
}

// RefundedAmount is how much was refunded, by us or on the provider's site.
func (p Payment) RefundedAmount() money.Money {
	if p.Status == StatusRefunded { // older records do not store partial refunds
		return p.Amount
	}
	return money.Money{Currency: p.Amount.Currency, Amount: p.Refunded}
}

// eventType is the type of the event for the payment's status.
func (p Payment) eventType() string {
	switch p.Status {
	case StatusAuthorized:
		return contract.PaymentAuthorized
	case StatusCaptured:
		return contract.PaymentCaptured
	case StatusVoided:
		return contract.PaymentVoided
	case StatusRefunded:
		return contract.PaymentRefunded
	case StatusActionRequired:
		return contract.PaymentActionRequired
	default:
		return contract.PaymentDeclined
	}
}

// free reports whether there is nothing to pay: a zero amount with a currency. Providers accept no
// zero charge, so the provider is not called. An amount without a currency is unknown, not free.
func free(amount money.Money) bool { return amount.Currency != "" && amount.Amount == 0 }

// free reports whether there was nothing to pay and the provider has no charge.
func (p Payment) free() bool { return p.ChargeID == "" && free(p.Amount) }

// GetPayment returns an order's payment, or ErrNoPayment.
func (s *Service) GetPayment(ctx context.Context, orderID string) (Payment, error) {
	return s.store.Get(ctx, orderID)
}

// ListPayments returns the payments of up to 50 distinct orders, in their order; those without one
// are left out.
func (s *Service) ListPayments(ctx context.Context, orderIDs []string) ([]Payment, error) {
	return s.store.GetMany(ctx, orderIDs)
}
