package payments

import (
	"context"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/money"
)

// Status is where a payment stands.
type Status string

// A payment is declined for good, or authorized and then captured; undoing it voids or refunds it. One over nothing goes the same
// way without the provider, and is voided when it is undone.
const (
	StatusAuthorized Status = "AUTHORIZED"
	StatusCaptured   Status = "CAPTURED"
	StatusVoided     Status = "VOIDED"
	StatusRefunded   Status = "REFUNDED"
	StatusDeclined   Status = "DECLINED"
)

// Payment is the money of an order.
type Payment struct {
	OrderID    string
	CustomerID string
	Status     Status
	Amount     money.Money
	// ChargeID is the provider's name for it; empty if declined, or if there was nothing to pay.
	ChargeID string
	// Refunded is how much of the amount was given back in parts, in its minor units. It only grows. See RefundedAmount.
	Refunded int64
	// Dispute is empty unless the customer's bank has claimed the money back.
	Dispute Dispute
	// DeclineCode is why it was declined, in the words of the provider.
	DeclineCode string
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (p Payment) Identity() (id string, version int64) { return p.OrderID, p.Version }

// Dispute is where the claim of a customer's bank for the money stands.
type Dispute string

// A dispute is open until the bank decides: won, the money stays ours; lost, it is gone.
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

// RefundedAmount is how much was given back, by us or by somebody at the provider.
func (p Payment) RefundedAmount() money.Money {
	if p.Status == StatusRefunded { // also on records from before parts were kept
		return p.Amount
	}
	return money.Money{Currency: p.Amount.Currency, Amount: p.Refunded}
}

// eventType is the type of the event that tells of the payment's status.
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

// free reports whether there is nothing to pay: an amount of a currency, and none of it. The provider is not asked about
// it, since it takes no charge over nothing. What has no currency is not free but unknown.
func free(amount money.Money) bool { return amount.Currency != "" && amount.Amount == 0 }

// free reports whether nothing was to be paid, and the provider has no charge.
func (p Payment) free() bool { return p.ChargeID == "" && free(p.Amount) }

// GetPayment returns an order's payment, or ErrNoPayment.
func (s *Service) GetPayment(ctx context.Context, orderID string) (Payment, error) {
	return s.store.Payment(ctx, orderID)
}
