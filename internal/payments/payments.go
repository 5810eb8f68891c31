// Package payments holds and takes the money of orders, through a payment provider.
//
// The money itself is at the provider; a Payment is what we know of it. The provider is called first and what it did
// is written down after that, so we may know less than what is true, never more. That is why undoing a payment
// does not trust our records: it always goes to the provider (see Provider.Void).
package payments

import (
	"context"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

var (
	// ErrDeclined: the provider said no, for good.
	ErrDeclined = fault.New(fault.Refused, "PaymentDeclined", "the payment was declined")
	// ErrVoided: the provider has voided the payment. It may have done so at the word of our compensation, which has begun
	// then, or by itself: an authorization that expired, or that somebody cancelled at the provider.
	ErrVoided = fault.New(fault.Conflict, "PaymentVoided", "the payment provider has voided the payment")
	// ErrNoPayment: nothing was ever charged for the order.
	ErrNoPayment = fault.New(fault.NotFound, "PaymentNotFound", "there is no payment for this order")
	// ErrNotAuthorized: only an authorized payment can be captured.
	ErrNotAuthorized = fault.New(fault.Conflict, "PaymentNotAuthorized", "the order's payment is not authorized")
	// ErrChargeMissing: the provider does not know a charge that it once gave us. Somebody has to look.
	ErrChargeMissing = fault.New(fault.Internal, "ChargeMissing", "the provider has lost the charge of this payment")

	errInput = fault.New(fault.Invalid, "InvalidInput", "a payment step needs an order, a customer, an amount and a payment method")
)

// Names of the saga's steps, by which barriers know them.
const (
	stepAuthorize = "AuthorizePayment"
	stepCapture   = "CapturePayment"
	stepVoid      = "VoidPayment"
)

// Store keeps payments.
type Store interface {
	commit.Log
	// Payment returns an order's payment, or ErrNoPayment.
	Payment(ctx context.Context, orderID string) (Payment, error)
	// Save writes p, which must be one version after what is stored, else fault.ErrLostRace.
	Save(ctx context.Context, p Payment, with commit.With) error
	// Outcome returns how an order ended, as far as payments was told; the zero Outcome where it was not.
	Outcome(ctx context.Context, orderID string) (Outcome, error)
	// SaveOutcome writes o. What is stored must be of version before, 0 for nothing (else fault.ErrLostRace).
	SaveOutcome(ctx context.Context, o Outcome, before int64, with commit.With) error
	// Bookmark returns the cursor up to which the provider's ledger was last compared; "" for its begin.
	Bookmark(ctx context.Context) (string, error)
	// SaveBookmark writes it.
	SaveBookmark(ctx context.Context, cursor string) error
}

// Service is payments' use cases.
type Service struct {
	store    Store
	provider Provider
	clock    clock.Clock
	events   envelope.Publisher
	lookAt   func(ctx context.Context, c Concern)
}

// Concern is why an operator has to look at a payment.
type Concern string

// The concerns.
const (
	ConcernDisputed       Concern = "DISPUTED"
	ConcernUnknownCharge  Concern = "UNKNOWN_CHARGE"
	ConcernNotPaid        Concern = "NOT_PAID"
	ConcernPartlyRefunded Concern = "PARTLY_REFUNDED"
)

// OnConcern has tell called for what an operator has to look at, beside the log line about it.
func (s *Service) OnConcern(tell func(ctx context.Context, c Concern)) { s.lookAt = tell }

// New returns the use cases over a store and a provider.
func New(store Store, provider Provider, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, provider: provider, clock: c, events: envelope.Publisher{Service: "payments", Clock: c, IDs: source},
		lookAt: func(context.Context, Concern) {}}
}

// save writes p's new state with the event that tells of it, and the step's barrier.
func (s *Service) save(ctx context.Context, p Payment, once barrier.Once) (contract.Result, error) {
	return s.write(ctx, p, commit.With{Barrier: once.Returning(p.result())})
}

// write writes p's new state with the event that tells of it.
func (s *Service) write(ctx context.Context, p Payment, with commit.With) (contract.Result, error) {
	data := contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount, Reason: p.DeclineCode}
	return p.result(), s.publish(ctx, p, p.eventType(), data, with)
}

// publish writes p's new state with an event.
func (s *Service) publish(ctx context.Context, p Payment, eventType string, data contract.PaymentEvent, with commit.With) error {
	if refunded := p.RefundedAmount(); refunded.Amount > 0 {
		data.RefundedAmount = &refunded
	}
	with.Events = []envelope.Event{s.events.New(ctx, eventType, p.OrderID, p.Version, data)}
	return s.store.Save(ctx, p, with)
}

// subject is what a step's call to the provider is about.
func (p Payment) subject(step string) Subject {
	return Subject{Reference: p.OrderID, ChargeID: p.ChargeID, Amount: p.Amount, IdempotencyKey: key(p.OrderID, step)}
}

// key makes the idempotency key of a step's call to the provider. It depends on nothing but the saga, so a repeated
// step repeats the key.
func key(orderID, step string) string { return orderID + "-" + step }
