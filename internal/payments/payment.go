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
// A payment of zero goes through the same states without the provider; undoing it voids it.
const (
	StatusAuthorized Status = "AUTHORIZED"
	StatusCaptured   Status = "CAPTURED"
	StatusVoided     Status = "VOIDED"
	StatusRefunded   Status = "REFUNDED"
	StatusDeclined   Status = "DECLINED"
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
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity implements commit.Aggregate.
func (p Payment) Identity() (id string, version int64) { return p.OrderID, p.Version }

// Dispute is the state of a chargeback by the customer's bank.
type Dispute string

// A dispute is open until the bank decides. Won: we keep the money. Lost: it is gone.
const (
	DisputeOpen Dispute = "OPEN"
	DisputeWon  Dispute = "WON"
	DisputeLost Dispute = "LOST"
)

// moveTo returns the payment's next version with another status.
func (p Payment) moveTo(status Status, at time.Time) Payment {
	p.Status, p.UpdatedAt, p.Version = status, at, p.Version+1
	return p
}

func (p Payment) result() contract.Result {
	return contract.Result{OrderID: p.OrderID, Status: string(p.Status)}
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
