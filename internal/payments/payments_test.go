package payments_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/payments/memory"
	"orderflow/internal/payments/provider"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/schema"
	"orderflow/sandbox/sandboxtest"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func step(method string) contract.Step {
	amount := money.Money{Currency: "EUR", Amount: 4797}
	return contract.Step{OrderID: order, CustomerID: "alice", Amount: amount, PaymentMethod: method}
}

var good = step("pm_card_visa")

// shop is payments on a memory store and a provider behind a network that can fail.
type shop struct {
	*payments.Service
	store    *memory.Store
	sandbox  *sandboxtest.Provider
	provider payments.Provider
	network  *network
	// charged is when the provider makes charges: by default when 2026 began.
	charged *clock.Manual
}

func open() *shop {
	c := clock.At(now)
	s := &shop{store: memory.New(c), charged: clock.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))}
	s.sandbox = sandboxtest.NewProvider(s.charged)
	s.provider = connect(s.sandbox)
	s.network = &network{Provider: s.provider}
	s.Service = payments.New(s.store, s.network, c, &ids.Sequence{})
	return s
}

// connect returns the adapter of a sandbox whose ledger has three charges a page.
func connect(sandbox *sandboxtest.Provider) payments.Provider {
	smallPages := func(w http.ResponseWriter, r *http.Request) {
		if query := r.URL.Query(); query.Has("limit") {
			query.Set("limit", "3")
			r.URL.RawQuery = query.Encode()
		}
		sandbox.ServeHTTP(w, r)
	}
	return provider.New(sandboxtest.Config(provider.Name, http.HandlerFunc(smallPages)))
}

// charge returns the provider's charge for a reference; the zero Charge if there is none.
func (s *shop) charge(reference string) payments.Charge {
	c, _, err := s.provider.Find(context.Background(), payments.Subject{Reference: reference})
	if err != nil {
		panic(err)
	}
	return c
}

var errLost = errors.New("the response was lost")

// network loses requests and responses on demand.
type network struct {
	payments.Provider
	loseRequest, loseAnswer, loseFind bool
	// arrived is called after the provider has processed an authorization or a query, before its
	// response.
	arrived func()
	// late holds the requests lost by loseRequest, to arrive later.
	late []payments.Authorization
}

func (n *network) Authorize(ctx context.Context, a payments.Authorization) (payments.Charge, error) {
	if n.loseRequest {
		n.late = append(n.late, a)
		return payments.Charge{}, errLost
	}
	c, err := n.Provider.Authorize(ctx, a)
	if n.arrived != nil {
		n.arrived()
	}
	if n.loseAnswer {
		return payments.Charge{}, errLost
	}
	return c, err
}

func (n *network) Capture(ctx context.Context, s payments.Subject) (payments.Charge, error) {
	c, err := n.Provider.Capture(ctx, s)
	if n.loseAnswer {
		return payments.Charge{}, errLost
	}
	return c, err
}

func (n *network) Find(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	if n.loseFind {
		return payments.Charge{}, false, errLost
	}
	c, found, err := n.Provider.Find(ctx, s)
	if n.arrived != nil {
		n.arrived()
	}
	return c, found, err
}

func (n *network) Void(ctx context.Context, s payments.Subject) (payments.Charge, bool, error) {
	c, found, err := n.Provider.Void(ctx, s)
	if n.loseAnswer {
		return payments.Charge{}, false, errLost
	}
	return c, found, err
}

func TestAuthorizeThenCapture(t *testing.T) {
	s := open()
	for range 2 {
		wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), good))
	}
	for range 2 {
		wantResult(t, payments.StatusCaptured)(s.CapturePayment(t.Context(), good))
	}
	s.wantCharge(t, payments.ChargeCaptured)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured)
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.CustomerID != "alice" || p.Amount != good.Amount || p.ChargeID != "ch_1" || p.Version != 2 {
		t.Errorf("GetPayment = %+v, %v", p, err)
	}
}

func TestOrdersWithoutAPaymentAreLeftOut(t *testing.T) {
	s := open()
	wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), good))
	list, err := s.ListPayments(t.Context(), []string{"other", order})
	if err != nil || len(list) != 1 || list[0].OrderID != order {
		t.Errorf("ListPayments = %+v, %v", list, err)
	}
}

// noProvider is a provider that must not be called.
type noProvider struct{ payments.Provider }

func TestFreeOrderIsPaidWithoutTheProvider(t *testing.T) {
	free := good
	free.Amount.Amount = 0
	for name, undoAfter := range map[string]int{"unauthorized": 0, "authorized": 1, "captured": 2, "never": 3} {
		t.Run("undone "+name, func(t *testing.T) {
			c := clock.At(now)
			s := payments.New(memory.New(c), noProvider{}, c, &ids.Sequence{})
			if undoAfter > 0 {
				wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), free))
			}
			if undoAfter > 1 {
				wantResult(t, payments.StatusCaptured)(s.CapturePayment(t.Context(), free))
			}
			switch undoAfter {
			case 0:
				wantResult(t, "")(s.VoidPayment(t.Context(), free))
				_, err := s.AuthorizePayment(t.Context(), free)
				wantErr(t, err, barrier.ErrCompensated)
			case 1, 2:
				for range 2 {
					wantResult(t, payments.StatusVoided)(s.VoidPayment(t.Context(), free))
				}
			}
		})
	}
}

func TestUnknownAmountIsNotFree(t *testing.T) {
	s := open()
	s.network.loseAnswer = true
	_, _ = s.AuthorizePayment(t.Context(), good) // the amount is held, but the response is lost
	s.network.loseAnswer = false
	unknown := good
	unknown.Amount = money.Money{}
	wantResult(t, payments.StatusVoided)(s.VoidPayment(t.Context(), unknown))
	s.wantNoLiveCharge(t)
}

func TestDeclineIsRecordedAndFinal(t *testing.T) {
	s := open()
	for range 2 {
		_, err := s.AuthorizePayment(t.Context(), step("pm_card_visa_chargeDeclined"))
		wantErr(t, err, payments.ErrDeclined)
	}
	s.wantEvents(t, contract.PaymentDeclined)
	wantResult(t, payments.StatusDeclined)(s.VoidPayment(t.Context(), good))
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.Status != payments.StatusDeclined || p.DeclineCode != "card_declined" || p.ChargeID != "" {
		t.Errorf("GetPayment = %+v, %v", p, err)
	}
	s.wantEvents(t, contract.PaymentDeclined)
	_, err = s.AuthorizePayment(t.Context(), good)
	wantErr(t, err, payments.ErrDeclined)
	s.wantNoLiveCharge(t)
}

func TestLostResponseIsTransientAndStoresNothing(t *testing.T) {
	s := open()
	s.network.loseAnswer = true
	_, err := s.AuthorizePayment(t.Context(), good)
	if fault.KindOf(err) != fault.Transient || err == nil {
		t.Errorf("AuthorizePayment: %v, want a transient fault", err)
	}
	_, err = s.GetPayment(t.Context(), order)
	wantErr(t, err, payments.ErrNoPayment)
	s.wantEvents(t)
	s.network.loseAnswer = false
	wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), good))
	s.wantCharge(t, payments.ChargeAuthorized)
}

func TestVoidUndoesAnUnknownCharge(t *testing.T) {
	s := open()
	s.network.loseAnswer = true
	_, err := s.AuthorizePayment(t.Context(), good)
	wantErr(t, err, errLost)
	s.network.loseAnswer = false
	for range 2 {
		wantResult(t, payments.StatusVoided)(s.VoidPayment(t.Context(), good))
	}
	s.wantCharge(t, payments.ChargeVoided)
	s.wantEvents(t, contract.PaymentVoided)
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.CustomerID != "alice" || p.Amount != good.Amount || p.ChargeID != "ch_1" {
		t.Errorf("GetPayment = %+v, %v; want the provider's charge", p, err)
	}
}

func TestAuthorizationThatArrivesAfterTheVoidIsRefused(t *testing.T) {
	s := open()
	s.network.loseRequest = true
	_, err := s.AuthorizePayment(t.Context(), good)
	wantErr(t, err, errLost)
	wantResult(t, "")(s.VoidPayment(t.Context(), good))
	for _, a := range s.network.late {
		_, err := s.provider.Authorize(t.Context(), a)
		wantErr(t, err, payments.ErrReferenceVoided)
	}
	s.wantNoLiveCharge(t)
	s.wantEvents(t)
}

func TestAuthorizeThatLosesToItsCompensationIsRefused(t *testing.T) {
	s := open()
	s.network.arrived = func() { // the whole compensation runs before the response
		s.network.arrived = nil
		wantResult(t, payments.StatusVoided)(s.VoidPayment(t.Context(), good))
	}
	_, err := s.AuthorizePayment(t.Context(), good)
	wantErr(t, err, barrier.ErrCompensated)
	s.wantNoLiveCharge(t)
	s.wantEvents(t, contract.PaymentVoided)
}

func TestAuthorizeIsRefusedBeforeItsCompensationIsStored(t *testing.T) {
	s := open()
	compensation := payments.Subject{Reference: order, IdempotencyKey: "the compensation's call"}
	if _, _, err := s.provider.Void(t.Context(), compensation); err != nil {
		t.Fatal(err)
	}
	_, err := s.AuthorizePayment(t.Context(), good)
	wantErr(t, err, payments.ErrVoided)
	s.wantEvents(t)
}

func TestCaptureNeedsAnAuthorization(t *testing.T) {
	s := open()
	_, err := s.CapturePayment(t.Context(), good)
	wantErr(t, err, payments.ErrNotAuthorized)
	_, err = s.AuthorizePayment(t.Context(), step("pm_card_visa_chargeDeclined"))
	wantErr(t, err, payments.ErrDeclined)
	_, err = s.CapturePayment(t.Context(), good)
	wantErr(t, err, payments.ErrNotAuthorized)
}

func TestVoidFailsIfTheProviderHasLostTheCharge(t *testing.T) {
	s := open()
	wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), good))
	s.network.Provider = connect(sandboxtest.NewProvider(s.charged))
	_, err := s.VoidPayment(t.Context(), good)
	wantErr(t, err, payments.ErrChargeMissing)
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("kind %v, want Internal", fault.KindOf(err))
	}
}

func TestIncompleteInputIsRefusedWithoutAnEffect(t *testing.T) {
	for name, change := range map[string]func(*contract.Step){
		"no order":         func(in *contract.Step) { in.OrderID = "" },
		"no customer":      func(in *contract.Step) { in.CustomerID = "" },
		"no currency":      func(in *contract.Step) { in.Amount.Currency = "" },
		"negative amount":  func(in *contract.Step) { in.Amount.Amount = -1 },
		"no paymentMethod": func(in *contract.Step) { in.PaymentMethod = "" },
	} {
		s, in := open(), good
		change(&in)
		_, err := s.AuthorizePayment(t.Context(), in)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an invalid input", name, err)
		}
		s.wantNoLiveCharge(t)
	}
}

func wantResult(t *testing.T, want payments.Status) func(contract.Result, error) {
	t.Helper()
	return func(got contract.Result, err error) {
		t.Helper()
		if err != nil || got != (contract.Result{OrderID: order, Status: string(want)}) {
			t.Errorf("got %+v, %v; want status %q", got, err, want)
		}
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func (s *shop) wantCharge(t *testing.T, want payments.ChargeStatus) {
	t.Helper()
	if c := s.charge(order); c.Status != want {
		t.Errorf("the provider's charge is %q, want %q", c.Status, want)
	}
}

func (s *shop) wantNoLiveCharge(t *testing.T) {
	t.Helper()
	if c := s.charge(order); c.Live() {
		t.Errorf("the charge is live: %+v", c)
	}
}

// wantEvents checks the types of all events so far, and validates each against its schema.
func (s *shop) wantEvents(t *testing.T, types ...string) {
	t.Helper()
	schemas := schema.Load(contract.Schemas)
	events, _ := s.store.Outbox(t.Context())
	if len(events) != len(types) {
		t.Errorf("%d events, want %d", len(events), len(types))
		return
	}
	for i, e := range events {
		if err := schemas.Validate(e); err != nil || e.Type != types[i] || e.Subject != order {
			t.Errorf("event %d is %s about %s, %v; want %s", i, e.Type, e.Subject, err, types[i])
		}
	}
}
