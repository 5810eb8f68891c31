package payments_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/schema"
)

// confirmed returns a shop with a paid and confirmed order.
func confirmed(t *testing.T) *shop {
	t.Helper()
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderConfirmed, 2)
	return s
}

func (s *shop) wantRefunded(t *testing.T, status payments.Status, amount int64) {
	t.Helper()
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.Status != status || p.RefundedAmount().Amount != amount || p.RefundedAmount().Currency != "EUR" {
		t.Errorf("the payment is %+v, %v; want %s with %d refunded", p, err, status, amount)
	}
}

func TestPartialRefundIsStoredOnce(t *testing.T) {
	s := confirmed(t)
	s.sandbox.Refund(order, 1000)
	s.noticed(t, "evt_1")
	s.noticed(t, "evt_2") // the same state in another event
	s.wantRefunded(t, payments.StatusCaptured, 1000)
	s.sandbox.Refund(order, 500)
	s.noticed(t, "evt_3")
	s.wantRefunded(t, payments.StatusCaptured, 1500)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured,
		contract.PaymentPartlyRefunded, contract.PaymentPartlyRefunded)
	s.reconciled(t, 0, 0)
}

func TestLastPartialRefundRefundsThePayment(t *testing.T) {
	s := confirmed(t)
	s.sandbox.Refund(order, 1000)
	s.noticed(t, "evt_1")
	s.sandbox.Refund(order, 3797)
	s.noticed(t, "evt_2")
	s.wantRefunded(t, payments.StatusRefunded, 4797)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured,
		contract.PaymentPartlyRefunded, contract.PaymentRefunded)
	s.reconciled(t, 0, 0)
}

func TestEventsHaveTheRefundedAmount(t *testing.T) {
	s := confirmed(t)
	s.sandbox.Refund(order, 1000)
	s.noticed(t, "evt_1")
	s.sandbox.Refund(order, 3797)
	s.noticed(t, "evt_2")
	schemas := schema.Load(contract.Schemas, contract.PaymentPartlyRefunded, contract.PaymentRefunded)
	outbox, _ := s.store.Outbox(t.Context())
	for i, want := range []int64{1000, 4797} {
		e := outbox[2+i]
		var data contract.PaymentEvent
		if err := errors.Join(schemas.Validate(e), json.Unmarshal(e.Data, &data)); err != nil {
			t.Fatal(err)
		}
		if data.RefundedAmount == nil || data.RefundedAmount.Amount != want || data.Amount != good.Amount {
			t.Errorf("%s: %s; want %d refunded", e.Type, e.Data, want)
		}
	}
}

// Operators search the log for these lines; see docs/runbooks/disputes.md.
func TestEachRefundIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	wantLogged := func(message string, want int) {
		t.Helper()
		if got := strings.Count(log.String(), message); got != want {
			t.Errorf("%q was logged %d times, want %d:\n%s", message, got, want, &log)
		}
	}
	s := confirmed(t)
	s.sandbox.Refund(order, 1000)
	s.noticed(t, "evt_1")
	s.noticed(t, "evt_2") // the same state in another event
	wantLogged("a payment was refunded in part", 1)
	s.sandbox.Refund(order, 3797)
	s.noticed(t, "evt_3")
	s.noticed(t, "evt_4")
	s.reconciled(t, 0, 0)
	wantLogged("a payment was refunded in part", 1)
	wantLogged("a confirmed order is not paid", 1)
}

// The webhook was lost.
func TestUnnoticedRefundIsFlaggedOnceAndStored(t *testing.T) {
	for amount, want := range map[int64]payments.Status{1000: payments.StatusCaptured, 4797: payments.StatusRefunded} {
		s := confirmed(t)
		s.sandbox.Refund(order, amount)
		found, err := s.ReconcileCharges(t.Context())
		if found.Flagged != 1 || !errors.Is(err, payments.ErrUnreconciled) {
			t.Errorf("%d refunded: %+v, %v; want it flagged", amount, found, err)
		}
		s.wantRefunded(t, want, amount)
		s.reconciled(t, 0, 0)
	}
}

func TestKnownFullRefundIsNotFlaggedAgain(t *testing.T) {
	s := confirmed(t)
	s.sandbox.Refund(order, 4797)
	s.noticed(t, "evt_1")
	s.wantRefunded(t, payments.StatusRefunded, 4797)
	s.reconciled(t, 0, 0)
}

func TestUndoRefundsOnlyTheRest(t *testing.T) {
	for _, noticed := range []bool{true, false} {
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		s.sandbox.Refund(order, 1000)
		if noticed {
			s.noticed(t, "evt_1")
			s.wantRefunded(t, payments.StatusCaptured, 1000)
		}
		s.do(t, s.void(t))
		s.endOrder(t, orders.OrderCancelled, 2)
		s.wantRefunded(t, payments.StatusRefunded, 4797)
		if c := s.charge(order); c.Refunded != c.Amount.Amount {
			t.Errorf("the provider refunded %d of %s", c.Refunded, c.Amount)
		}
		s.noticed(t, "evt_2")
		s.reconciled(t, 0, 0)
	}
}

// The provider also sends notices of our own refunds.
func TestOwnRefundIsNotMistakenForAForeignOne(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.network.loseAnswer = true
	if err := s.void(t)(); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	s.network.loseAnswer = false
	s.noticed(t, "evt_1")
	s.wantRefunded(t, payments.StatusCaptured, 0)
	s.do(t, s.void(t))
	s.wantRefunded(t, payments.StatusRefunded, 4797)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured, contract.PaymentRefunded)
}

func TestRefundOfADisputedPaymentIsStored(t *testing.T) {
	s := confirmed(t)
	s.sandbox.Refund(order, 1000)
	s.sandbox.Dispute(order, string(payments.DisputeOpen))
	s.noticed(t, "evt_1")
	s.wantRefunded(t, payments.StatusCaptured, 1000)
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeOpen)
}

// Whatever is refunded on the provider's site, our record never exceeds the provider's, never
// decreases, and equals it after reconciliation.
func TestRefundsAddUpInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		before, n, over := int64(0), 0, false
		actions := rapid.SampledFrom([]string{"refund", "notice", "confirm", "undo", "reconcile"})
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch do := actions.Draw(r, "do"); {
			case do == "refund":
				s.sandbox.Refund(order, rapid.Int64Range(1, 4797).Draw(r, "amount"))
			case do == "notice":
				n++
				notice := payments.Notice{ID: strings.Repeat("e", n), Reference: order}
				if err := s.ReceiveNotice(t.Context(), notice); err != nil {
					r.Fatal(err)
				}
			case do == "confirm" && !over:
				s.endOrder(t, orders.OrderConfirmed, 2)
				over = true
			case do == "undo" && !over:
				s.do(t, s.void(t))
				s.endOrder(t, orders.OrderCancelled, 2)
				over = true
			case do == "reconcile" && over:
				if _, err := s.ReconcileCharges(t.Context()); err != nil && !errors.Is(err, payments.ErrUnreconciled) {
					r.Fatal(err)
				}
			}
			p, _ := s.GetPayment(t.Context(), order)
			c := s.charge(order)
			if now := p.RefundedAmount().Amount; now < before || now > c.Refunded || c.Refunded > c.Amount.Amount {
				r.Fatalf("the payment has %d refunded (%d before), the charge %d of %d",
					now, before, c.Refunded, c.Amount.Amount)
			}
			before = p.RefundedAmount().Amount
		}
		if !over {
			s.endOrder(t, orders.OrderConfirmed, 2)
		}
		_, _ = s.ReconcileCharges(t.Context()) // it may flag a charge once
		if found, err := s.ReconcileCharges(t.Context()); err != nil {
			r.Fatalf("a second reconciliation still finds something: %+v, %v", found, err)
		}
		p, _ := s.GetPayment(t.Context(), order)
		c := s.charge(order)
		if refunded := p.RefundedAmount().Amount; refunded != c.Refunded || string(p.Status) != string(c.Status) {
			r.Fatalf("the payment is %s with %d refunded, the charge %s with %d",
				p.Status, refunded, c.Status, c.Refunded)
		}
	})
}
