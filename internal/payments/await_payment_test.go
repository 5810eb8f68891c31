package payments_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/schema"
)

// asking is a step whose customer must authenticate; waited is the step after the wait for them.
var asking, waited = step("pm_card_authenticationRequired"), func() contract.Step {
	in := step("pm_card_authenticationRequired")
	in.Waited = true
	return in
}()

var awaiting = contract.Await{OrderID: order, CustomerID: "alice", ResumeToken: "token"}

// ask authorizes, and wants the customer to be asked.
func (s *shop) ask(t *testing.T) {
	t.Helper()
	_, err := s.AuthorizePayment(t.Context(), asking)
	wantErr(t, err, payments.ErrActionRequired)
}

func (s *shop) await(t *testing.T) {
	t.Helper()
	if _, err := s.AwaitPayment(t.Context(), awaiting); err != nil {
		t.Fatal(err)
	}
}

// tokens lists the tokens of the events that say that the customer need not act any more.
func (s *shop) tokens(t *testing.T) (all []string) {
	t.Helper()
	schemas := schema.Load(contract.Schemas, contract.PaymentActionRequired, contract.PaymentActionEnded)
	outbox, err := s.store.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range outbox {
		switch e.Type {
		case contract.PaymentActionRequired, contract.PaymentActionEnded:
			if err := schemas.Validate(e); err != nil {
				t.Error(err)
			}
		}
		if e.Type == contract.PaymentActionEnded {
			data, err := envelope.Decode[contract.PaymentEvent](e)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data.ResumeToken)
		}
	}
	return all
}

func TestACustomerIsAskedOnceAndThePaymentGoesOn(t *testing.T) {
	s := open()
	s.ask(t)
	s.ask(t) // the step is repeated
	p, err := s.GetPayment(t.Context(), order)
	if err != nil || p.Status != payments.StatusActionRequired || !strings.HasPrefix(p.Action.URL, "http") ||
		!p.Action.Until.Equal(now.Add(contract.TimeToAct)) {
		t.Errorf("GetPayment = %+v, %v", p, err)
	}
	s.wantEvents(t, contract.PaymentActionRequired)
	s.await(t)
	s.noticed(t, "evt_early") // the customer has not acted
	if got := s.tokens(t); len(got) > 0 {
		t.Errorf("the saga is resumed with %v before the customer has acted", got)
	}
	s.sandbox.Authenticate(order, true)
	s.noticed(t, "evt_1") // twice
	s.noticed(t, "evt_2")
	if got := s.tokens(t); !slices.Equal(got, []string{"token"}) {
		t.Errorf("the saga is resumed with %v, want its token once", got)
	}
	wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), waited))
	wantResult(t, payments.StatusCaptured)(s.CapturePayment(t.Context(), waited))
	s.wantStands(t, payments.ChargeCaptured)
}

func TestANoticeBeforeTheTokenIsNotLost(t *testing.T) {
	s := open()
	s.ask(t)
	s.sandbox.Authenticate(order, true)
	s.noticed(t, "evt_1")
	s.await(t)
	s.await(t) // the wait is repeated
	if got := s.tokens(t); !slices.Equal(got, []string{"", "token", "token"}) {
		t.Errorf("events with the tokens %q, want one without and one of each wait", got)
	}
}

func TestAPaymentIsAuthorizedThoughNoNoticeCame(t *testing.T) {
	s := open()
	s.ask(t)
	s.await(t)
	s.sandbox.Authenticate(order, true)
	wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), waited))
	s.wantEvents(t, contract.PaymentActionRequired, contract.PaymentActionEnded, contract.PaymentAuthorized)
	s.noticed(t, "evt_late")
	s.wantPayment(t, payments.StatusAuthorized, "")
}

func TestACustomerWhoFailsToAuthenticateIsDeclined(t *testing.T) {
	s := open()
	s.ask(t)
	s.await(t)
	s.sandbox.Authenticate(order, false)
	s.noticed(t, "evt_1")
	for range 2 {
		_, err := s.AuthorizePayment(t.Context(), waited)
		wantErr(t, err, payments.ErrDeclined)
	}
	s.wantPayment(t, payments.StatusDeclined, "")
}

func TestAnAbandonedPaymentIsFinalAndHoldsNothing(t *testing.T) {
	s := open()
	s.ask(t)
	s.await(t)
	for _, in := range []contract.Step{waited, asking, waited} {
		_, err := s.AuthorizePayment(t.Context(), in)
		wantErr(t, err, payments.ErrAbandoned)
	}
	s.sandbox.Authenticate(order, true) // before the compensation
	s.do(t, s.void(t))
	s.wantStands(t, payments.ChargeVoided)
	s.sandbox.Authenticate(order, true)
	s.endOrder(t, "orderflow.orders.order.rejected.v1", 2)
	s.noticed(t, "evt_1")
	s.wantStands(t, payments.ChargeVoided)
	s.wantPayment(t, payments.StatusVoided, "")
}

func TestAnUndoneWaitEndsAndBarsTheCustomer(t *testing.T) {
	s := open()
	s.ask(t)
	s.await(t)
	s.do(t, s.void(t))
	s.wantPayment(t, payments.StatusVoided, "")
	if got := s.tokens(t); !slices.Equal(got, []string{"token"}) {
		t.Errorf("the saga is resumed with %v, want its token", got)
	}
	s.sandbox.Authenticate(order, true)
	s.noticed(t, "evt_1")
	if c := s.charge(order); c.Status != "" {
		t.Errorf("the charge is %+v", c)
	}
	s.wantPayment(t, payments.StatusVoided, "")
}

func TestALateRequestDoesNotAskAfterTheUndo(t *testing.T) {
	s := open()
	s.network.arrived = func() { // the undo overtakes the answer
		s.network.arrived = nil
		s.do(t, s.void(t))
	}
	if _, err := s.AuthorizePayment(t.Context(), asking); err == nil || errors.Is(err, payments.ErrActionRequired) {
		t.Errorf("AuthorizePayment: %v, want a refusal", err)
	}
	s.wantEvents(t)
}

func TestAPlainAuthorizationsNoticeAsksNobody(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t))
	s.network.loseFind = true
	notice := payments.Notice{ID: "e", Reference: order, Authorized: true}
	if err := s.ReceiveNotice(t.Context(), notice); err != nil {
		t.Error(err)
	}
}

func TestAwaitPaymentNeedsAPaymentAndAToken(t *testing.T) {
	s := open()
	_, err := s.AwaitPayment(t.Context(), awaiting)
	wantErr(t, err, payments.ErrNoPayment)
	_, err = s.AwaitPayment(t.Context(), contract.Await{OrderID: order})
	if err == nil || fault.KindOf(err) != fault.Invalid {
		t.Errorf("without a token: %v, want an invalid input", err)
	}
}

// Plays every sequence of up to four events after a customer was asked. After a successful undo
// nothing is held, whatever comes later. A saga whose token is stored is resumed once the payment
// waits no longer.
func TestNothingIsHeldOrForgottenAroundTheWait(t *testing.T) {
	actions := map[string]func(*testing.T, *shop) error{
		"ask":    func(t *testing.T, s *shop) error { _, err := s.AuthorizePayment(t.Context(), asking); return err },
		"again":  func(t *testing.T, s *shop) error { _, err := s.AuthorizePayment(t.Context(), waited); return err },
		"await":  func(t *testing.T, s *shop) error { _, err := s.AwaitPayment(t.Context(), awaiting); return err },
		"accept": func(_ *testing.T, s *shop) error { s.sandbox.Authenticate(order, true); return nil },
		"refuse": func(_ *testing.T, s *shop) error { s.sandbox.Authenticate(order, false); return nil },
		"notice": func(t *testing.T, s *shop) error {
			return s.ReceiveNotice(t.Context(), payments.Notice{ID: "e", Reference: order, Authorized: true})
		},
		"undo": func(t *testing.T, s *shop) error { _, err := s.VoidPayment(t.Context(), asking); return err },
	}
	var play func(prefix []string)
	play = func(prefix []string) {
		s, undone, awaits := open(), false, false
		for _, name := range prefix {
			err := actions[name](t, s)
			if fault.KindOf(err) == fault.Internal && err != nil {
				t.Fatalf("%v: %v", prefix, err)
			}
			undone = undone || name == "undo" && err == nil
			awaits = awaits || name == "await" && err == nil
		}
		charge, tokens := s.charge(order), s.tokens(t)
		p, err := s.GetPayment(t.Context(), order)
		switch {
		case undone && (charge.Live() || err == nil && (p.Status == payments.StatusAuthorized ||
			p.Status == payments.StatusActionRequired)):
			t.Fatalf("%v: undone, but the charge is %q, the payment %q", prefix, charge.Status, p.Status)
		case awaits && p.Status != payments.StatusActionRequired && !slices.Contains(tokens, "token"):
			t.Fatalf("%v: the saga is not resumed: %v", prefix, tokens)
		}
		if len(prefix) < 5 {
			for name := range actions {
				play(append(prefix[:len(prefix):len(prefix)], name))
			}
		}
	}
	play([]string{"ask"})
}
