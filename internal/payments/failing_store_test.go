package payments_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

var errStore = errors.New("the store did not answer")

// failingStore is a store whose n-th call, counted from 1, fails and changes nothing.
type failingStore struct {
	payments.Store
	failing int
}

func (s *failingStore) call() error {
	if s.failing--; s.failing == 0 {
		return errStore
	}
	return nil
}

func (s *failingStore) Get(ctx context.Context, orderID string) (payments.Payment, error) {
	if err := s.call(); err != nil {
		return payments.Payment{}, err
	}
	return s.Store.Get(ctx, orderID)
}

func (s *failingStore) Save(ctx context.Context, p payments.Payment, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.Save(ctx, p, with)
}

func (s *failingStore) Outcome(ctx context.Context, orderID string) (payments.Outcome, error) {
	if err := s.call(); err != nil {
		return payments.Outcome{}, err
	}
	return s.Store.Outcome(ctx, orderID)
}

func (s *failingStore) SaveOutcome(ctx context.Context, o payments.Outcome, before int64, with commit.With) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.SaveOutcome(ctx, o, before, with)
}

func (s *failingStore) Bookmark(ctx context.Context) (string, error) {
	if err := s.call(); err != nil {
		return "", err
	}
	return s.Store.Bookmark(ctx)
}

func (s *failingStore) SaveBookmark(ctx context.Context, cursor string) error {
	if err := s.call(); err != nil {
		return err
	}
	return s.Store.SaveBookmark(ctx, cursor)
}

// failing returns the shop's use cases on a store whose n-th call fails.
func (s *shop) failing(n int, provider payments.Provider) *payments.Service {
	return payments.New(&failingStore{s.store, n}, provider, clock.At(now), &ids.Sequence{})
}

// lateCharge is a provider whose charge appears after Void found none, and whose ledger lags.
type lateCharge struct {
	payments.Provider
	charge payments.Charge
}

func (b *lateCharge) Ledger(context.Context, string) ([]payments.LedgerEntry, string, error) {
	return []payments.LedgerEntry{{Charge: b.charge}}, "", nil
}

func (b *lateCharge) Void(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	c, found, err := b.Provider.Void(ctx, s)
	if err == nil && !found && s.IdempotencyKey == order+"-ReconcileCharges" {
		c, found = b.charge, true
		c.Status = payments.ChargeVoided
	}
	return c, found, err
}

// late returns a shop that has voided a payment without a charge, and a provider that has one now.
func late(t *testing.T) (*shop, *lateCharge) {
	s := open()
	s.do(t, s.void(t))
	charge := payments.Charge{
		ID: "ch_late", Reference: order, Status: payments.ChargeAuthorized, Amount: good.Amount,
	}
	return s, &lateCharge{s.provider, charge}
}

func TestUseCaseSucceedsWhenRepeatedAfterAStoreFailure(t *testing.T) {
	ctx := context.Background()
	for name, use := range map[string]struct {
		calls     int
		authorize bool
		run       func(*payments.Service) error
	}{
		"authorize": {1, false, func(s *payments.Service) error {
			_, err := s.AuthorizePayment(ctx, good)
			return err
		}},
		"capture": {2, true, func(s *payments.Service) error { _, err := s.CapturePayment(ctx, good); return err }},
		"void":    {2, true, func(s *payments.Service) error { _, err := s.VoidPayment(ctx, good); return err }},
		"notice": {2, true, func(s *payments.Service) error {
			return s.ReceiveNotice(ctx, payments.Notice{ID: "e", Reference: order})
		}},
		"order": {2, false, func(s *payments.Service) error {
			return s.ProjectOrder(ctx, orders.OrderRejected, order, 2)
		}},
	} {
		for n := 1; n <= use.calls; n++ {
			s := open()
			if use.authorize {
				s.do(t, s.authorize(t))
				s.sandbox.Dispute(order, string(payments.DisputeOpen))
			}
			svc := s.failing(n, s.provider)
			if err := use.run(svc); !errors.Is(err, errStore) {
				t.Errorf("%s, call %d fails: %v", name, n, err)
			}
			if err := use.run(svc); err != nil {
				t.Errorf("%s, repeated after call %d failed: %v", name, n, err)
			}
		}
	}
}

func TestNoticeSucceedsWhenRepeatedAfterAStoreFailure(t *testing.T) {
	ctx := context.Background()
	for n := 1; n <= 2; n++ { // outcome, payment
		s := open()
		s.do(t, s.authorize(t), s.capture(t))
		svc := s.failing(n, s.provider)
		notice := payments.Notice{ID: "e", Reference: order}
		if err := svc.ReceiveNotice(ctx, notice); !errors.Is(err, errStore) {
			t.Errorf("call %d fails: %v", n, err)
		}
		if err := svc.ReceiveNotice(ctx, notice); err != nil {
			t.Errorf("repeated after call %d failed: %v", n, err)
		}
	}
}

func TestLateChargeIsStoredOnceDespiteStoreFailures(t *testing.T) {
	const calls = 6 // bookmark, outcome, payment; payment, save; bookmark
	for n := 1; n <= calls; n++ {
		s, provider := late(t)
		svc := s.failing(n, provider)
		if _, err := svc.ReconcileCharges(t.Context()); !errors.Is(err, errStore) {
			t.Errorf("call %d fails: %v", n, err)
		}
		for range 2 {
			if _, err := svc.ReconcileCharges(t.Context()); err != nil {
				t.Errorf("repeated after call %d failed: %v", n, err)
			}
		}
		p, err := s.GetPayment(t.Context(), order)
		if err != nil || p.Status != payments.StatusVoided || p.ChargeID != "ch_late" || p.Version != 1 {
			t.Errorf("the payment is %+v, %v", p, err)
		}
		s.wantEvents(t, contract.PaymentVoided)
	}
}

func TestReconciliationFailsIfAVoidFails(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t))
	s.network.loseAnswer = true
	if _, err := s.ReconcileCharges(t.Context()); !errors.Is(err, errLost) {
		t.Errorf("%v, want the provider's error", err)
	}
	s.wantStands(t, payments.ChargeVoided)
}

func TestReconciliationContinuesAfterAChargeThatFails(t *testing.T) {
	s := open()
	for n := range 5 { // two pages
		in := good
		in.OrderID = fmt.Sprintf("order-%d", n)
		_, err := s.AuthorizePayment(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
	}
	svc := s.failing(2, s.provider)
	for run, voided := range []int{4, 1} { // the first run cannot read one charge's outcome
		found, err := svc.ReconcileCharges(t.Context())
		if found.Checked != 5 || found.Voided != voided || errors.Is(err, errStore) != (run == 0) {
			t.Errorf("run %d: %+v, %v", run, found, err)
		}
	}
}

func TestStepWithoutAnOrderIsInvalid(t *testing.T) {
	s := open()
	_, captured := s.CapturePayment(t.Context(), contract.Step{})
	_, voided := s.VoidPayment(t.Context(), contract.Step{})
	for name, err := range map[string]error{"capture": captured, "void": voided} {
		if err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an invalid input", name, err)
		}
	}
}

func TestDeclineErrorHasItsCode(t *testing.T) {
	if got := (&payments.Declined{Code: "card_declined"}).Error(); got != "the provider declined: card_declined" {
		t.Errorf("got %q", got)
	}
}
