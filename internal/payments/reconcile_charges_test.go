package payments_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
	sandbox "orderflow/sandbox/provider"
)

// endOrder delivers an event that ends the order.
func (s *shop) endOrder(t *testing.T, eventType string, version int64) {
	t.Helper()
	if err := s.ProjectOrder(t.Context(), eventType, order, version); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) do(t *testing.T, steps ...func() error) {
	t.Helper()
	for _, run := range steps {
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shop) authorize(t *testing.T) func() error {
	return func() error { _, err := s.AuthorizePayment(t.Context(), good); return err }
}

func (s *shop) capture(t *testing.T) func() error {
	return func() error { _, err := s.CapturePayment(t.Context(), good); return err }
}

func (s *shop) void(t *testing.T) func() error {
	return func() error { _, err := s.VoidPayment(t.Context(), good); return err }
}

// reconciled runs the reconciliation twice; the second run must void nothing.
func (s *shop) reconciled(t *testing.T, voided, flagged int) {
	t.Helper()
	for range 2 {
		found, err := s.ReconcileCharges(t.Context())
		failed := errors.Is(err, payments.ErrUnreconciled) != (flagged > 0) || err != nil && flagged == 0
		if found.Voided != voided || found.Flagged != flagged || failed {
			t.Errorf("%+v, %v; want %d voided, %d flagged", found, err, voided, flagged)
		}
		voided = 0
	}
}

func (s *shop) wantStands(t *testing.T, want payments.ChargeStatus) {
	t.Helper()
	if c := s.charge(order); c.Status != want {
		t.Errorf("the charge is %s, want %s", c.Status, want)
	}
}

func TestPaidAndConfirmedOrderIsNotFlagged(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderConfirmed, 2)
	s.reconciled(t, 0, 0)
	s.wantStands(t, payments.ChargeCaptured)
}

func TestUnpaidConfirmedOrderIsFlagged(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t))
	s.endOrder(t, orders.OrderConfirmed, 2)
	s.reconciled(t, 0, 1)
	s.wantStands(t, payments.ChargeAuthorized)
}

func TestChargeOfAnEndedOrderIsUndoneAndStored(t *testing.T) {
	for eventType, captured := range map[string]bool{orders.OrderRejected: false, orders.OrderCancelled: true} {
		s := open()
		want := payments.ChargeVoided
		s.do(t, s.authorize(t))
		if captured {
			s.do(t, s.capture(t))
			want = payments.ChargeRefunded
		}
		s.endOrder(t, eventType, 2)
		s.reconciled(t, 1, 0)
		s.wantStands(t, want)
		if p, err := s.GetPayment(t.Context(), order); err != nil || p.Status != payments.Status(want) {
			t.Errorf("%s: the payment is %+v, %v", eventType, p, err)
		}
	}
}

// The provider voided, but the response was lost for good.
func TestUnrecordedVoidIsStoredByReconciliation(t *testing.T) {
	for _, eventType := range []string{orders.OrderRejected, ""} { // rejected, and outcome unknown
		s := open()
		s.do(t, s.authorize(t))
		lost := payments.Subject{Reference: order, IdempotencyKey: "lost"}
		if _, _, err := s.provider.Void(t.Context(), lost); err != nil {
			t.Fatal(err)
		}
		if eventType != "" {
			s.endOrder(t, eventType, 2)
		}
		s.reconciled(t, 0, 0)
		if p, err := s.GetPayment(t.Context(), order); err != nil || p.Status != payments.StatusVoided {
			t.Errorf("the payment is %s, %v; the charge is voided", p.Status, err)
		}
		wantErr(t, s.capture(t)(), barrier.ErrCompensated)
	}
}

func TestChargeThatRevivesAfterItsVoidIsUndoneAgain(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.void(t))
	s.endOrder(t, orders.OrderRejected, 2)
	s.store.TakeOutbox()
	s.sandbox.Set(order, sandbox.StatusCaptured)
	s.reconciled(t, 1, 0)
	s.wantStands(t, payments.ChargeRefunded)
	if p, err := s.GetPayment(t.Context(), order); err != nil || p.Status != payments.StatusRefunded {
		t.Errorf("the payment is %+v, %v", p, err)
	}
	if events := s.store.TakeOutbox(); len(events) != 1 || events[0].Type != contract.PaymentRefunded {
		t.Errorf("events %v, want one refund", events)
	}
}

func TestChargeOfAnOrderWithoutAKnownOutcome(t *testing.T) {
	t.Run("captured: flagged", func(t *testing.T) {
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		s.reconciled(t, 0, 1)
		s.wantStands(t, payments.ChargeCaptured)
	})
	t.Run("authorized: voided, and the saga barred", func(t *testing.T) {
		s := open()
		s.do(t, s.authorize(t))
		s.reconciled(t, 1, 0)
		s.wantStands(t, payments.ChargeVoided)
		if _, err := s.CapturePayment(t.Context(), good); !errors.Is(err, barrier.ErrCompensated) {
			t.Errorf("later capture: %v, want ErrCompensated", err)
		}
	})
	t.Run("unknown to us: voided", func(t *testing.T) {
		s := open()
		s.network.loseAnswer = true
		if s.authorize(t)() == nil {
			t.Fatal("the response was not lost")
		}
		s.network.loseAnswer = false
		s.reconciled(t, 1, 0)
		s.wantStands(t, payments.ChargeVoided)
	})
}

func TestOrderThatNeedsAttentionIsSkippedUntilItEnds(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t))
	s.endOrder(t, orders.OrderNeedsAttention, 3)
	s.reconciled(t, 0, 0)
	s.wantStands(t, payments.ChargeAuthorized)
	s.endOrder(t, orders.OrderRejected, 4)
	s.endOrder(t, orders.OrderNeedsAttention, 3) // again
	s.endOrder(t, orders.OrderNeedsAttention, 3) // late
	s.reconciled(t, 1, 0)
	s.wantStands(t, payments.ChargeVoided)
}

func TestChargeYoungerThanTheBudgetIsSkipped(t *testing.T) {
	for age, voided := range map[time.Duration]int{4 * time.Hour: 0, 4*time.Hour + time.Second: 1} {
		s := open()
		s.charged.Advance(now.Add(-age).Sub(s.charged.Now()))
		s.do(t, s.authorize(t))
		s.reconciled(t, voided, 0)
	}
}

func TestAllLedgerPagesAreComparedAcrossRuns(t *testing.T) {
	s := open()
	for n := range 70 { // 24 pages; a run takes 20
		in := good
		in.OrderID = fmt.Sprintf("order-%02d", n)
		_, err := s.AuthorizePayment(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.ReconcileCharges(t.Context())
	if err != nil || first.Voided != 60 {
		t.Errorf("first run: %+v, %v", first, err)
	}
	second, err := s.ReconcileCharges(t.Context())
	if err != nil || second.Voided != 10 {
		t.Errorf("second run: %+v, %v", second, err)
	}
	if third, err := s.ReconcileCharges(t.Context()); err != nil || third.Voided != 0 || third.Checked != 60 {
		t.Errorf("third run: %+v, %v; want a start from the beginning", third, err)
	}
}

func TestUnknownBookmarkIsDropped(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t))
	if err := s.store.SaveBookmark(t.Context(), "lost"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReconcileCharges(t.Context()); err == nil {
		t.Error("reconciliation did not report the unknown bookmark")
	}
	s.reconciled(t, 1, 0)
}

func TestOtherOrderEventsAreIgnored(t *testing.T) {
	s := open()
	s.endOrder(t, orders.OrderCreated, 1)
	if o, err := s.store.Outcome(t.Context(), order); err != nil || o != (payments.Outcome{}) {
		t.Errorf("outcome %+v, %v", o, err)
	}
}
