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

// confirmed is a shop with an order that was paid and confirmed.
func confirmed(t *testing.T) *shop {
	t.Helper()
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.told(t, "e", orders.OrderConfirmed, 2)
	return s
}

func (s *shop) wantRefunded(t *testing.T, status payments.Status, amount int64) {
	t.Helper()
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.Status != status || p.RefundedAmount().Amount != amount || p.RefundedAmount().Currency != "EUR" {
		t.Errorf("our record is %+v, %v; want %s with %d given back", p, err, status, amount)
	}
}

func TestAPartialRefundElsewhereIsWrittenDownOnce(t *testing.T) {
	s := confirmed(t)
	s.provider.GiveBack(order, 1000)
	s.noticed(t, "evt_1")
	s.noticed(t, "evt_2") // the same again, as another event
	s.wantRefunded(t, payments.StatusCaptured, 1000)
	s.provider.GiveBack(order, 500)
	s.noticed(t, "evt_3")
	s.wantRefunded(t, payments.StatusCaptured, 1500)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured, contract.PaymentPartlyRefunded, contract.PaymentPartlyRefunded)
	s.reconciled(t, 0, 0)
}

func TestTheRestOfARefundElsewhereRefundsThePayment(t *testing.T) {
	s := confirmed(t)
	s.provider.GiveBack(order, 1000)
	s.noticed(t, "evt_1")
	s.provider.GiveBack(order, 3797)
	s.noticed(t, "evt_2")
	s.wantRefunded(t, payments.StatusRefunded, 4797)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured, contract.PaymentPartlyRefunded, contract.PaymentRefunded)
	s.reconciled(t, 0, 0)
}

func TestEventsSayHowMuchWasGivenBackSoFar(t *testing.T) {
	s := confirmed(t)
	s.provider.GiveBack(order, 1000)
	s.noticed(t, "evt_1")
	s.provider.GiveBack(order, 3797)
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
			t.Errorf("%s: %s; want %d given back", e.Type, e.Data, want)
		}
	}
}

// The alarm PaymentsToLookAtAlarm counts these lines of the log.
func TestOperatorsAreToldOnceOfEachRefundElsewhere(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	told := func(words string, want int) {
		t.Helper()
		if got := strings.Count(log.String(), words); got != want {
			t.Errorf("%q was logged %d times, want %d:\n%s", words, got, want, &log)
		}
	}
	s := confirmed(t)
	s.provider.GiveBack(order, 1000)
	s.noticed(t, "evt_1")
	s.noticed(t, "evt_2") // the same again, as another event
	told("a payment was refunded in part", 1)
	s.provider.GiveBack(order, 3797)
	s.noticed(t, "evt_3")
	s.noticed(t, "evt_4")
	s.reconciled(t, 0, 0)
	told("a payment was refunded in part", 1)
	told("a confirmed order is not paid", 1)
}

// The webhook was lost: reconciliation tells of the refund, once.
func TestARefundThatNobodyToldOfIsFlaggedOnceAndWrittenDown(t *testing.T) {
	for amount, want := range map[int64]payments.Status{1000: payments.StatusCaptured, 4797: payments.StatusRefunded} {
		s := confirmed(t)
		s.provider.GiveBack(order, amount)
		found, err := s.ReconcileCharges(t.Context())
		if found.Flagged != 1 || !errors.Is(err, payments.ErrUnreconciled) {
			t.Errorf("%d given back: %+v, %v; want it flagged", amount, found, err)
		}
		s.wantRefunded(t, want, amount)
		s.reconciled(t, 0, 0)
	}
}

func TestAKnownFullRefundIsNotFlaggedAgain(t *testing.T) {
	s := confirmed(t)
	s.provider.GiveBack(order, 4797)
	s.noticed(t, "evt_1")
	s.wantRefunded(t, payments.StatusRefunded, 4797)
	s.reconciled(t, 0, 0)
}

// What somebody gave back of an order that is then undone is not given back again.
func TestUndoingAnOrderGivesBackTheRest(t *testing.T) {
	for _, told := range []bool{true, false} {
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		s.provider.GiveBack(order, 1000)
		if told {
			s.noticed(t, "evt_1")
			s.wantRefunded(t, payments.StatusCaptured, 1000)
		}
		s.do(t, s.void(t))
		s.told(t, "e", orders.OrderCancelled, 2)
		s.wantRefunded(t, payments.StatusRefunded, 4797)
		if c, _ := s.provider.Charge(order); c.Refunded != c.Amount.Amount {
			t.Errorf("the provider gave back %d of %s", c.Refunded, c.Amount)
		}
		s.noticed(t, "evt_2")
		s.reconciled(t, 0, 0)
	}
}

// Our own refund makes the provider tell, too. While the order is under way that is no news.
func TestOurOwnRefundIsNotTakenForSomebodyElses(t *testing.T) {
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

func TestARefundOfADisputedPaymentIsWrittenDownToo(t *testing.T) {
	s := confirmed(t)
	s.provider.GiveBack(order, 1000)
	s.provider.Dispute(order, payments.DisputeOpen)
	s.noticed(t, "evt_1")
	s.wantRefunded(t, payments.StatusCaptured, 1000)
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeOpen)
}

// Whatever somebody gives back, whenever we are told, and whether the order is undone or not: our record never says more than the
// provider's, never less than it said before, and says the same once it was reconciled.
func TestRefundsAddUpInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		before, n, over := int64(0), 0, false
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			switch do := rapid.SampledFrom([]string{"refund", "notice", "confirm", "undo", "reconcile"}).Draw(r, "do"); {
			case do == "refund":
				s.provider.GiveBack(order, rapid.Int64Range(1, 4797).Draw(r, "amount"))
			case do == "notice":
				n++
				if err := s.ReceiveNotice(t.Context(), payments.Notice{ID: strings.Repeat("e", n), Reference: order}); err != nil {
					r.Fatal(err)
				}
			case do == "confirm" && !over:
				s.told(t, "confirmed", orders.OrderConfirmed, 2)
				over = true
			case do == "undo" && !over:
				s.do(t, s.void(t))
				s.told(t, "cancelled", orders.OrderCancelled, 2)
				over = true
			case do == "reconcile" && over:
				if _, err := s.ReconcileCharges(t.Context()); err != nil && !errors.Is(err, payments.ErrUnreconciled) {
					r.Fatal(err)
				}
			}
			p, _ := s.GetPayment(t.Context(), order)
			c, _ := s.provider.Charge(order)
			if now := p.RefundedAmount().Amount; now < before || now > c.Refunded || c.Refunded > c.Amount.Amount {
				r.Fatalf("our record says %d (%d before), the provider %d of %d", now, before, c.Refunded, c.Amount.Amount)
			}
			before = p.RefundedAmount().Amount
		}
		if !over {
			s.told(t, "confirmed", orders.OrderConfirmed, 2)
		}
		_, _ = s.ReconcileCharges(t.Context()) // it may flag what it finds, once
		if found, err := s.ReconcileCharges(t.Context()); err != nil {
			r.Fatalf("it does not come to rest: %+v, %v", found, err)
		}
		p, _ := s.GetPayment(t.Context(), order)
		if c, _ := s.provider.Charge(order); p.RefundedAmount().Amount != c.Refunded || string(p.Status) != string(c.Status) {
			r.Fatalf("our record is %s with %d given back, the provider's %s with %d", p.Status, p.RefundedAmount().Amount, c.Status, c.Refunded)
		}
	})
}
