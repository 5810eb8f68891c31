// Package payments authorizes and captures the payments of orders through a payment provider.
//
// The provider holds the money; a Payment is our record of it. The provider is called first and the
// result is stored afterwards, so our record may lag behind the provider but never runs ahead.
// Undoing a payment therefore does not trust our records: it always calls the provider (see
// Provider.Void).
package payments

import (
	"context"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

var (
	// ErrDeclined: the provider declined the payment for good.
	ErrDeclined = fault.New(fault.Refused, "PaymentDeclined", "the payment was declined")
	// ErrActionRequired: the customer must act, such as authenticate at their bank, before the
	// provider holds the amount.
	ErrActionRequired = fault.New(fault.Refused, "PaymentActionRequired",
		"the customer must act before the payment is authorized")
	// ErrAbandoned: the customer did not act in time.
	ErrAbandoned = fault.New(fault.Refused, "PaymentAbandoned", "the customer did not act in time")
	// ErrVoided: the provider has voided the payment, either for our compensation or by itself: the
	// authorization expired or was cancelled on the provider's site.
	ErrVoided = fault.New(fault.Conflict, "PaymentVoided", "the payment provider has voided the payment")
	// ErrNoPayment: nothing was ever charged for the order.
	ErrNoPayment = fault.New(fault.NotFound, "PaymentNotFound", "there is no payment for this order")
	// ErrNotAuthorized: only an authorized payment can be captured.
	ErrNotAuthorized = fault.New(fault.Conflict, "PaymentNotAuthorized", "the order's payment is not authorized")
	// ErrChargeMissing: the provider does not know a charge that it reported earlier. An operator
	// must investigate.
	ErrChargeMissing = fault.New(fault.Internal, "ChargeMissing", "the provider no longer knows this payment's charge")

	errInput = fault.New(fault.Invalid, "InvalidInput",
		"a payment step needs an order, a customer, an amount and a payment method")
)

// Names of the saga's steps, used as barrier keys.
const (
	stepAuthorize = "AuthorizePayment"
	stepAsk       = "AskCustomer" // a part of AuthorizePayment
	stepCapture   = "CapturePayment"
	stepVoid      = "VoidPayment"
)

// Store keeps payments, by order, and how orders ended.
type Store interface {
	commit.Log
	commit.Store[Payment]
	// Outcome returns how an order ended; the zero Outcome if that is unknown.
	Outcome(ctx context.Context, orderID string) (Outcome, error)
	// SaveOutcome writes o. The stored version must be before, 0 for none (else fault.ErrLostRace).
	SaveOutcome(ctx context.Context, o Outcome, before int64, with commit.With) error
	// Bookmark returns the ledger cursor where the next reconciliation starts; "" for the
	// beginning.
	Bookmark(ctx context.Context) (string, error)
	// SaveBookmark stores that cursor.
	SaveBookmark(ctx context.Context, cursor string) error
}

// Service implements payments' use cases.
type Service struct {
	store     Store
	provider  Provider
	clock     clock.Clock
	events    envelope.Publisher
	onConcern func(ctx context.Context, c Concern)
}

// Concern is why a payment needs an operator.
type Concern string

// Reasons why a payment needs an operator.
const (
	ConcernDisputed       Concern = "DISPUTED"
	ConcernUnknownCharge  Concern = "UNKNOWN_CHARGE"
	ConcernNotPaid        Concern = "NOT_PAID"
	ConcernPartlyRefunded Concern = "PARTLY_REFUNDED"
)

// OnConcern sets a function that is called, besides logging, whenever a payment needs an operator.
func (s *Service) OnConcern(notify func(ctx context.Context, c Concern)) { s.onConcern = notify }

// New returns the use cases on a store and a provider.
func New(store Store, provider Provider, c clock.Clock, source ids.Source) *Service {
	events := envelope.Publisher{Service: "payments", Clock: c, IDs: source}
	return &Service{
		store: store, provider: provider, clock: c, events: events, onConcern: func(context.Context, Concern) {},
	}
}

// save stores p, which follows before, with the event for its status and the step's barrier. If the
// customer had to act before, another event says that they no longer have to.
func (s *Service) save(ctx context.Context, p, before Payment, once barrier.Once) (contract.Result, error) {
	with := commit.With{Barrier: once.Returning(p.result())}
	if before.waits() {
		with.Events = append(with.Events, s.actionEnded(ctx, p, before.Action.ResumeToken))
	}
	return s.write(ctx, p, with)
}

// actionEnded is the event that the customer no longer has to act. The token resumes the saga.
func (s *Service) actionEnded(ctx context.Context, p Payment, token string) envelope.Event {
	data := contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount, ResumeToken: token}
	return s.events.New(ctx, contract.PaymentActionEnded, p.OrderID, p.Version, data)
}

// write stores p with the event for its status.
func (s *Service) write(ctx context.Context, p Payment, with commit.With) (contract.Result, error) {
	data := contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount, Reason: p.DeclineCode}
	if p.waits() {
		data.URL, data.Until = p.Action.URL, p.Action.Until.Format(time.RFC3339)
	}
	return p.result(), s.publish(ctx, p, p.eventType(), data, with)
}

// publish stores p with an event.
func (s *Service) publish(
	ctx context.Context, p Payment, eventType string, data contract.PaymentEvent, with commit.With,
) error {
	if refunded := p.RefundedAmount(); refunded.Amount > 0 {
		data.RefundedAmount = &refunded
	}
	with.Events = append(with.Events, s.events.New(ctx, eventType, p.OrderID, p.Version, data))
	return s.store.Save(ctx, p, with)
}

// subject identifies p's charge in a step's call to the provider.
func (p Payment) subject(step string) Subject {
	return Subject{Reference: p.OrderID, ChargeID: p.ChargeID, Amount: p.Amount, IdempotencyKey: key(p.OrderID, step)}
}

// key makes the idempotency key of a step's call to the provider. It depends only on the order and
// the step, so a repeated step repeats the key.
func key(orderID, step string) string { return orderID + "-" + step }
