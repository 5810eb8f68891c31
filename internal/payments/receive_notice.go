package payments

import (
	"cmp"
	"context"
	"errors"
	"log/slog"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

// onNotice is the webhook handler's name, used as a barrier key.
const onNotice = "ReceivePaymentWebhook"

// Notice says that something happened to a charge. It does not say what: a notice may be late or
// out of order, so the provider is asked for the current state.
type Notice struct {
	// ID is the same when the notice is repeated.
	ID string
	// ChargeID is empty if the notice names only our reference.
	ChargeID string
	// Reference is the order's id, if the notice has it.
	Reference string
	// Authorized says that the notice only reports an authorization. Every payment has one, but
	// only the customer's answer is news.
	Authorized bool
}

// ReceiveNotice asks the provider for the charge of a notice and acts on the answer:
//
//	order                charge                       action
//	REJECTED, CANCELLED  live, or our record differs  undo and store, as ReconcileCharges does
//	CONFIRMED            refunded or lapsed           store, and log an error for an operator
//	any                  partly refunded              store, publish payment.partly-refunded, and
//	                                                  log an error: we never make partial refunds
//	any                  disputed                     store, and publish payment.disputed
//	any                  waits no longer for the      store, and publish payment.action-ended,
//	                     customer, as we thought      with which the saga goes on
//	otherwise                                         none: the saga or ReconcileCharges acts
//
// A repeated notice, or one about a charge without an order, changes nothing and is not an error.
func (s *Service) ReceiveNotice(ctx context.Context, n Notice) error {
	if n.Authorized {
		p, err := s.store.Get(ctx, n.Reference)
		if errors.Is(err, ErrNoPayment) || err == nil && !p.waits() {
			return nil
		}
		if err != nil {
			return err
		}
	}
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
		if charge.Status != ChargeActionRequired {
			if err := s.endAction(ctx, cmp.Or(n.Reference, charge.Reference)); err != nil {
				return err
			}
		}
		// Money that the bank reclaims or has reclaimed must not be refunded as well.
		if found && (charge.Dispute == "" || charge.Dispute == DisputeWon) {
			if err := s.settle(ctx, charge); err != nil {
				return err
			}
		}
		return s.storeDispute(ctx, charge, commit.With{Barrier: once.Returning(struct{}{})})
	})
}

// endAction stores and publishes that the customer no longer has to act, if our record says that
// they have to. The saga asks the provider for the outcome.
func (s *Service) endAction(ctx context.Context, orderID string) error {
	_, err := fault.RetryLostRace(func() (struct{}, error) {
		p, err := s.store.Get(ctx, orderID)
		if errors.Is(err, ErrNoPayment) || err == nil && !p.waits() {
			return struct{}{}, nil
		}
		if err != nil {
			return struct{}{}, err
		}
		p = p.next(s.clock.Now())
		ended := s.actionEnded(ctx, p, p.Action.ResumeToken)
		p.Action = Action{Ended: true}
		return struct{}{}, s.store.Save(ctx, p, commit.With{Events: []envelope.Event{ended}})
	})
	return err
}

// settle makes our record and the provider agree on a charge whose order has ended.
func (s *Service) settle(ctx context.Context, c Charge) error {
	order, err := s.store.Outcome(ctx, c.Reference)
	if err != nil {
		return err
	}
	p, err := s.store.Get(ctx, c.Reference)
	if err != nil && !errors.Is(err, ErrNoPayment) {
		return err
	}
	differs := p.Status != Status(c.Status)
	switch order.Status {
	case OrderRejected, OrderCancelled:
		if c.Live() || differs {
			return s.undo(ctx, c)
		}
	case OrderConfirmed:
		if c.Undone() && differs {
			s.onConcern(ctx, ConcernNotPaid)
			slog.ErrorContext(ctx, "a confirmed order is not paid",
				"orderId", c.Reference, "chargeId", c.ID, "charge", c.Status)
			_, err := fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, c) })
			return err
		}
	}
	return nil
}

// partlyRefunded stores a partial refund made on the provider's site. Answers of the provider may
// arrive out of order; a refund only grows, so smaller amounts are ignored. It reports whether
// anything changed.
func (s *Service) partlyRefunded(ctx context.Context, c Charge) (changed bool, err error) {
	if c.Status != ChargeCaptured || c.Refunded == 0 {
		return false, nil
	}
	return fault.RetryLostRace(func() (bool, error) {
		p, err := s.store.Get(ctx, c.Reference)
		switch {
		case errors.Is(err, ErrNoPayment):
			return false, nil // an unknown charge is undone or stored as a whole
		case err != nil:
			return false, err
		case p.Status != StatusAuthorized && p.Status != StatusCaptured, c.Refunded <= p.Refunded:
			return false, nil
		}
		p = p.moveTo(p.Status, s.clock.Now())
		p.Refunded = c.Refunded
		data := contract.PaymentEvent{OrderID: p.OrderID, Amount: p.Amount}
		if err := s.publish(ctx, p, contract.PaymentPartlyRefunded, data, commit.With{}); err != nil {
			return false, err
		}
		s.onConcern(ctx, ConcernPartlyRefunded)
		slog.ErrorContext(ctx, "a payment was refunded in part", "orderId", p.OrderID, "chargeId", c.ID)
		return true, nil
	})
}

// storeDispute stores the state of a charge's dispute in its payment.
func (s *Service) storeDispute(ctx context.Context, c Charge, with commit.With) error {
	if c.Dispute == "" {
		return s.store.Record(ctx, with)
	}
	p, err := s.store.Get(ctx, c.Reference)
	switch {
	case errors.Is(err, ErrNoPayment):
		s.onConcern(ctx, ConcernUnknownCharge)
		slog.ErrorContext(ctx, "an unknown charge is disputed", "orderId", c.Reference, "chargeId", c.ID)
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
		s.onConcern(ctx, ConcernDisputed)
		slog.ErrorContext(ctx, "a payment is disputed", "orderId", p.OrderID, "chargeId", c.ID, "dispute", p.Dispute)
	}
	return s.publish(ctx, p, contract.PaymentDisputed, data, with)
}
