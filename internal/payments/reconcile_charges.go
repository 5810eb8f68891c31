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
	// budget is the minimum age of a charge to be reconciled. The longest saga and its compensation
	// are over by then.
	budget = 4 * time.Hour
	// pages bounds a run; the next one continues where it stopped.
	pages = 20
)

// stepReconcile is part of the idempotency key of reconciliation's calls to the provider.
const stepReconcile = "ReconcileCharges"

// ErrUnreconciled: the provider's ledger and our records differ in a way that needs an operator.
var ErrUnreconciled = fault.New(fault.Internal, "ChargesUnreconciled",
	"some charges need an operator; the log lists them")

// Reconciliation counts the charges of a run.
type Reconciliation struct {
	Checked int
	// Voided is how many live charges of finished orders were voided or refunded.
	Voided int
	// Flagged is how many need an operator.
	Flagged int
}

// ReconcileCharges compares the provider's ledger with the orders' outcomes:
//
//	order                charge                      action
//	CONFIRMED            captured                    none
//	CONFIRMED            fully or partly refunded    if unknown to us, store and flag it: it was
//	                                                 refunded on the provider's site
//	CONFIRMED            other                       flag: goods shipped without payment
//	REJECTED, CANCELLED  live                        void
//	NEEDS_ATTENTION      any                         none: an operator handles it
//	no known outcome     captured, as we recorded    flag: it may be confirmed, its event late
//	no known outcome     live otherwise              VoidPayment: it cannot be confirmed, as we
//	                                                 record a capture before the confirmation
//	not CONFIRMED        undone, our record differs  VoidPayment, which stores it: the provider's
//	                                                 answer to an earlier call was lost
//
// Only charges older than the budget are compared. If one fails, the run continues with the others
// and returns its error at the end; the next round of the ledger repeats it. The run fails with
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
			// The provider may no longer know the cursor. The next run starts from the beginning.
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
	p, err := s.store.Get(ctx, c.Reference)
	ended := order.Status == OrderRejected || order.Status == OrderCancelled
	switch {
	case err != nil && !errors.Is(err, ErrNoPayment):
		return err
	case !c.Live() && p.Status == Status(c.Status):
		return nil
	case c.Live() && !ended && p.Status == StatusCaptured:
		return flag("a payment is captured, but its order's outcome is unknown")
	case c.Live():
		found.Voided++
	}
	return s.undo(ctx, c)
}

// reconcileConfirmed reconciles the charge of a confirmed order.
func (s *Service) reconcileConfirmed(ctx context.Context, c Charge, flag func(why string) error) error {
	switch c.Status {
	case ChargeCaptured:
		changed, err := s.partlyRefunded(ctx, c)
		if err == nil && changed {
			err = flag("a payment was partly refunded on the provider's site")
		}
		return err
	case ChargeRefunded:
		changed, err := fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, c) })
		if err == nil && changed {
			err = flag("a confirmed order is not paid")
		}
		return err
	}
	return flag("a confirmed order is not paid")
}

// undo runs the compensation unless it has run. If it has and the provider still holds money, it
// voids the charge at the provider again and stores the result.
func (s *Service) undo(ctx context.Context, c Charge) error {
	slog.WarnContext(ctx, "undoing a charge, or storing that it was undone",
		"orderId", c.Reference, "chargeId", c.ID, "charge", c.Status)
	done, err := s.VoidPayment(ctx, contract.Step{OrderID: c.Reference, Amount: c.Amount})
	if err != nil {
		return err
	}
	after, found, err := s.provider.Void(ctx, Subject{
		Reference: c.Reference, ChargeID: c.ID, Amount: c.Amount, IdempotencyKey: key(c.Reference, stepReconcile),
	})
	if err != nil || !found || done.Status == string(after.Status) {
		return err
	}
	_, err = fault.RetryLostRace(func() (bool, error) { return s.correct(ctx, after) })
	return err
}

// correct stores the provider's state if our record differs. It reports whether it did.
func (s *Service) correct(ctx context.Context, c Charge) (changed bool, err error) {
	p, err := s.store.Get(ctx, c.Reference)
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
