package payments

import (
	"context"
	"errors"
	"log/slog"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// onNotice is the name of the webhook's handler, by which barriers know it.
const onNotice = "ReceivePaymentWebhook"

// Notice is a provider's word that something has happened to a charge. What it is does not matter: the notice may be old, late
// or out of order, so it is a reason to ask the provider, and no more.
type Notice struct {
	// ID is the same when the notice is repeated.
	ID string
	// ChargeID is the charge's; empty where the notice names only our reference.
	ChargeID string
	// Reference is the order's id, where the notice has it.
	Reference string
}

// ReceiveNotice asks the provider for the charge that the notice is about, and acts on the answer:
//
//	order                 charge                        what is done
//	REJECTED, CANCELLED   live, or our record differs   given back and written down, as by ReconcileCharges
//	CONFIRMED             given back or lapsed          written down, and logged for an operator
//	any                   given back in part            written down, payment.partly-refunded is published, and logged
//	                                                    for an operator: we only ever give back all there is
//	any                   disputed                      the payment is marked, payment.disputed is published
//	otherwise                                           nothing: the saga is at it, or ReconcileCharges will be
//
// A notice that is repeated, or about a charge that is not an order's, changes nothing and is no error.
func (s *Service) ReceiveNotice(ctx context.Context, n Notice) error {
	return barrier.Consume(ctx, s.store, onNotice, n.ID, func(ctx context.Context, once barrier.Once) error {
		charge, found, err := s.provider.Find(ctx, Subject{Reference: n.Reference, ChargeID: n.ChargeID})
		if err != nil {
			return err
		}
		if found {
			if _, err := s.partlyRefunded(ctx, charge); err != nil {
				return err
			}
		}
		// What the bank claims, or has got, cannot be given back besides.
		if found && (charge.Dispute == "" || charge.Dispute == DisputeWon) {
			if err := s.settle(ctx, charge); err != nil {
				return err
			}
		}
		return s.mark(ctx, charge, commit.With{Barrier: once.Returning(struct{}{})})
	})
}

// settle has our record and the provider agree on a charge whose order has ended.
func (s *Service) settle(ctx context.Context, c Charge) error {
	order, err := s.store.Outcome(ctx, c.Reference)
	if err != nil {
		return err
	}
	p, err := s.store.Payment(ctx, c.Reference)
	if err != nil && !errors.Is(err, ErrNoPayment) {
		return err
	}
	differs := p.Status != Status(c.Status)
	switch order.Status {
	case OrderRejected, OrderCancelled:
		if c.Live() || differs {
			return s.giveBack(ctx, c)
		}
	case OrderConfirmed:
		if !c.Live() && differs {
			s.lookAt(ctx, ConcernNotPaid)
			slog.ErrorContext(ctx, "a confirmed order is not paid", "orderId", c.Reference, "chargeId", c.ID, "charge", c.Status)
			_, err := fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, c) })
			return err
		}
	}
	return nil
}

// partlyRefunded writes down that somebody at the provider has given back a part of a charge, unless that much is known:
// the provider is asked at any time and in any order, and what was given back only grows. It reports whether it was news.
func (s *Service) partlyRefunded(ctx context.Context, c Charge) (news bool, err error) {
	if c.Status != ChargeCaptured || c.Refunded == 0 {
		return false, nil
	}
	return fault.RetryLostRace(func() (bool, error) {
		p, err := s.store.Payment(ctx, c.Reference)
		switch {
		case errors.Is(err, ErrNoPayment):
			return false, nil // what we do not know of yet is undone or written down as a whole
		case err != nil:
			return false, err
		case p.Status != StatusAuthorized && p.Status != StatusCaptured, c.Refunded <= p.Refunded:
			return false, nil
		}
		p = p.moveTo(p.Status, s.clock.Now())
		p.Refunded = c.Refunded
		if err := s.publish(ctx, p, contract.PaymentPartlyRefunded, contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount}, commit.With{}); err != nil {
			return false, err
		}
		s.lookAt(ctx, ConcernPartlyRefunded)
		slog.ErrorContext(ctx, "a payment was refunded in part", "orderId", p.OrderID, "chargeId", c.ID)
		return true, nil
	})
}

// mark writes where the dispute of a charge stands to its payment, with what comes with it.
func (s *Service) mark(ctx context.Context, c Charge, with commit.With) error {
	if c.Dispute == "" {
		return s.store.Record(ctx, with)
	}
	p, err := s.store.Payment(ctx, c.Reference)
	switch {
	case errors.Is(err, ErrNoPayment):
		s.lookAt(ctx, ConcernUnknownCharge)
		slog.ErrorContext(ctx, "a charge that we do not know is disputed", "orderId", c.Reference, "chargeId", c.ID)
		return s.store.Record(ctx, with)
	case err != nil:
		return err
	case p.Dispute == c.Dispute:
		return s.store.Record(ctx, with)
	}
	p = p.moveTo(p.Status, s.clock.Now())
	p.Dispute = c.Dispute
	data := contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount, Dispute: string(p.Dispute)}
	if p.Dispute != DisputeWon {
		s.lookAt(ctx, ConcernDisputed)
		slog.ErrorContext(ctx, "a payment is disputed", "orderId", p.OrderID, "chargeId", c.ID, "dispute", p.Dispute)
	}
	return s.publish(ctx, p, contract.PaymentDisputed, data, with)
}
