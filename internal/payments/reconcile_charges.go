package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

const (
	// budget is how old a charge must be to be looked at. A saga and its compensation, each as long as may be, are over by then.
	budget = 3 * time.Hour
	// pages bounds a run; the next one goes on where it ended.
	pages = 20
)

// stepReconcile names what reconciliation asks of the provider.
const stepReconcile = "ReconcileCharges"

// ErrUnreconciled: the provider's books and ours differ in a way that must not be repaired without an operator.
var ErrUnreconciled = fault.New(fault.Internal, "ChargesUnreconciled", "there are charges that an operator has to look at")

// Reconciliation counts the charges of a run.
type Reconciliation struct {
	Checked int
	// Voided is how many live charges of orders that are over were given back.
	Voided int
	// Flagged is how many are left to an operator.
	Flagged int
}

// ReconcileCharges compares the provider's ledger with what became of the orders:
//
//	order                  charge                        what is done
//	CONFIRMED              captured                      nothing
//	CONFIRMED              given back, whole or in part  written down and flagged once: somebody did so at the provider, and
//	                                                     we were not told. What we know of is in order
//	CONFIRMED              other                         flagged: goods left without money
//	REJECTED, CANCELLED    live                          voided
//	NEEDS_ATTENTION        any                           nothing; an operator is at it
//	no end is known        captured, and we know of it   flagged: the order may be confirmed, and its event late
//	no end is known        live otherwise                voided by VoidPayment: the order cannot be confirmed, since
//	                                                     our record of the capture comes before the confirmation
//	not CONFIRMED          undone, and our record says   VoidPayment, which writes it down: the provider's answer
//	                       otherwise                     to an earlier one was lost
//
// A charge is checked once it is older than the budget. One that cannot be reconciled does not keep the run from the others: its
// error is returned at the end, and the charge is checked again in the next round of the ledger. The run fails with
// ErrUnreconciled if anything was flagged.
func (s *Service) ReconcileCharges(ctx context.Context) (Reconciliation, error) {
	var found Reconciliation
	var failed error
	before := s.clock.Now().Add(-budget)
	cursor, err := s.store.Bookmark(ctx)
	if err != nil {
		return found, err
	}
	for range pages {
		page, next, err := s.provider.Ledger(ctx, cursor)
		if err != nil {
			// It may be the cursor that the provider does not know any more; the next run begins anew.
			return found, errors.Join(failed, err, s.store.SaveBookmark(ctx, ""))
		}
		for _, charge := range page {
			if charge.CreatedAt.Before(before) {
				found.Checked++
				if err := s.reconcile(ctx, charge.Charge, &found); err != nil {
					failed = errors.Join(failed, fmt.Errorf("charge %s: %w", charge.ID, err))
				}
			}
		}
		if err := s.store.SaveBookmark(ctx, next); err != nil {
			return found, errors.Join(failed, err)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	if found.Flagged > 0 {
		failed = errors.Join(failed, ErrUnreconciled)
	}
	return found, failed
}

func (s *Service) reconcile(ctx context.Context, c Charge, found *Reconciliation) error {
	order, err := s.store.Outcome(ctx, c.Reference)
	if err != nil {
		return err
	}
	flag := func(why string) error {
		found.Flagged++
		slog.ErrorContext(ctx, why, "orderId", c.Reference, "chargeId", c.ID, "charge", c.Status, "order", order.Status)
		return nil
	}
	switch order.Status {
	case OrderConfirmed:
		return s.reconcileConfirmed(ctx, c, flag)
	case OrderNeedsAttention:
		return nil
	}
	p, err := s.store.Payment(ctx, c.Reference)
	over := order.Status == OrderRejected || order.Status == OrderCancelled
	switch {
	case err != nil && !errors.Is(err, ErrNoPayment):
		return err
	case !c.Live() && p.Status == Status(c.Status):
		return nil
	case c.Live() && !over && p.Status == StatusCaptured:
		return flag("a payment was captured, and the end of its order is not known")
	case c.Live():
		found.Voided++
	}
	return s.giveBack(ctx, c)
}

// reconcileConfirmed looks at the charge of an order whose goods are on their way.
func (s *Service) reconcileConfirmed(ctx context.Context, c Charge, flag func(why string) error) error {
	switch c.Status {
	case ChargeCaptured:
		news, err := s.partlyRefunded(ctx, c)
		if err == nil && news {
			err = flag("somebody has refunded a part of a payment at the provider")
		}
		return err
	case ChargeRefunded:
		news, err := fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, c) })
		if err == nil && news {
			err = flag("a confirmed order is not paid")
		}
		return err
	}
	return flag("a confirmed order is not paid")
}

// giveBack has the compensation done if it was not. If it was, and the provider holds money all the same, that is undone
// at the provider once more, and written down.
func (s *Service) giveBack(ctx context.Context, c Charge) error {
	slog.WarnContext(ctx, "a charge is given back, or that it was is written down", "orderId", c.Reference, "chargeId", c.ID, "charge", c.Status)
	done, err := s.VoidPayment(ctx, contract.Step{OrderID: c.Reference, Amount: c.Amount})
	if err != nil {
		return err
	}
	after, _, err := s.provider.Void(ctx, Subject{Reference: c.Reference, ChargeID: c.ID, Amount: c.Amount, IdempotencyKey: key(c.Reference, stepReconcile)})
	if err != nil || done.Status == string(after.Status) {
		return err
	}
	_, err = fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, after) })
	return err
}

// correct writes down what the provider did, where our record says otherwise. It reports whether that was so.
func (s *Service) correct(ctx context.Context, c Charge) (news bool, err error) {
	p, err := s.store.Payment(ctx, c.Reference)
	switch {
	case errors.Is(err, ErrNoPayment):
		p = Payment{OrderID: c.Reference, Amount: c.Amount}
	case err != nil:
		return false, err
	case p.Status == Status(c.Status):
		return false, nil
	}
	p.ChargeID = c.ID
	_, err = s.write(ctx, p.moveTo(Status(c.Status), s.clock.Now()), commit.With{})
	return err == nil, err
}
