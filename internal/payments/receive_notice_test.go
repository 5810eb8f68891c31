package payments_test

import (
	"errors"
	"testing"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/payments"
	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/schema"
	sandbox "orderflow/sandbox/provider"
)

// noticed delivers a notice about the order's charge twice.
func (s *shop) noticed(t *testing.T, id string) {
	t.Helper()
	for range 2 {
		if err := s.ReceiveNotice(t.Context(), payments.Notice{ID: id, Reference: order}); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shop) wantPayment(t *testing.T, status payments.Status, dispute payments.Dispute) {
	t.Helper()
	if p, err := s.GetPayment(t.Context(), order); err != nil || p.Status != status || p.Dispute != dispute {
		t.Errorf("the payment is %+v, %v; want %s %s", p, err, status, dispute)
	}
}

func TestNoticeDuringASagaChangesNothing(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.noticed(t, "evt_1")
	s.wantPayment(t, payments.StatusCaptured, "")
	s.wantStands(t, payments.ChargeCaptured)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured)
}

func TestNoticeOfALiveChargeOfAnEndedOrderRefundsIt(t *testing.T) {
	for _, ended := range []string{orders.OrderRejected, orders.OrderCancelled} {
		s := open()
		s.do(t, s.authorize(t), s.capture(t), s.void(t))
		s.endOrder(t, ended, 2)
		s.sandbox.Set(order, sandbox.StatusCaptured) // e.g. a failed refund
		s.noticed(t, "evt_1")
		s.wantStands(t, payments.ChargeRefunded)
		s.wantPayment(t, payments.StatusRefunded, "")
	}
}

func TestUnknownChargeOfARejectedOrderIsVoidedAndStored(t *testing.T) {
	s := open()
	s.network.loseAnswer = true
	if err := s.authorize(t)(); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	s.network.loseAnswer = false
	s.endOrder(t, orders.OrderRejected, 2)
	s.noticed(t, "evt_1")
	s.wantStands(t, payments.ChargeVoided)
	s.wantPayment(t, payments.StatusVoided, "")
	s.wantEvents(t, contract.PaymentVoided)
}

func TestRefundOfAConfirmedOrderOnTheProvidersSiteIsStored(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderConfirmed, 2)
	s.noticed(t, "evt_1")
	s.wantPayment(t, payments.StatusCaptured, "")
	s.sandbox.Set(order, sandbox.StatusRefunded) // on the provider's site
	s.noticed(t, "evt_2")
	s.wantPayment(t, payments.StatusRefunded, "")
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured, contract.PaymentRefunded)
}

// The provider answers before the customer has acted, and the answer arrives after the order was
// confirmed.
func TestLateAnswerDoesNotUndoACapture(t *testing.T) {
	s := open()
	s.ask(t)
	s.await(t)
	s.network.arrived = func() {
		s.network.arrived = nil
		s.sandbox.Authenticate(order, true)
		wantResult(t, payments.StatusAuthorized)(s.AuthorizePayment(t.Context(), waited))
		wantResult(t, payments.StatusCaptured)(s.CapturePayment(t.Context(), waited))
		s.endOrder(t, orders.OrderConfirmed, 2)
	}
	s.noticed(t, "evt_1")
	s.wantPayment(t, payments.StatusCaptured, "")
	s.wantStands(t, payments.ChargeCaptured)
	s.wantEvents(t, contract.PaymentActionRequired, contract.PaymentActionEnded, contract.PaymentAuthorized,
		contract.PaymentCaptured)
}

func TestNoticeOfAnOrderInAnOperatorsHandsChangesNothing(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderNeedsAttention, 2)
	s.noticed(t, "evt_1")
	s.wantStands(t, payments.ChargeCaptured)
}

func TestDisputeIsStoredAndPublishedOncePerState(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderConfirmed, 2)
	s.sandbox.Dispute(order, string(payments.DisputeOpen))
	s.noticed(t, "evt_1")
	s.noticed(t, "evt_2") // the same state in another event
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeOpen)
	s.sandbox.Dispute(order, string(payments.DisputeLost))
	s.noticed(t, "evt_3")
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeLost)
	s.wantEvents(t, contract.PaymentAuthorized, contract.PaymentCaptured,
		contract.PaymentDisputed, contract.PaymentDisputed)
	schemas := schema.Load(contract.Schemas, contract.PaymentDisputed)
	outbox, _ := s.store.Outbox(t.Context())
	for _, e := range outbox[2:] {
		if err := schemas.Validate(e); err != nil {
			t.Error(err)
		}
	}
}

func TestDisputedChargeIsNotRefunded(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.endOrder(t, orders.OrderRejected, 2)
	s.sandbox.Dispute(order, string(payments.DisputeOpen))
	s.noticed(t, "evt_1")
	s.wantStands(t, payments.ChargeCaptured)
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeOpen)
	s.sandbox.Dispute(order, string(payments.DisputeWon))
	s.noticed(t, "evt_2")
	s.wantStands(t, payments.ChargeRefunded)
	s.wantPayment(t, payments.StatusRefunded, payments.DisputeWon)
}

// Notices arrive in any order. A late notice of the opening must not reopen the dispute.
func TestLateNoticeDoesNotReopenADecidedDispute(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t))
	s.sandbox.Dispute(order, string(payments.DisputeWon))
	s.noticed(t, "evt_closed")
	s.noticed(t, "evt_created")
	s.wantPayment(t, payments.StatusCaptured, payments.DisputeWon)
}

func TestNoticeAboutAForeignChargeChangesNothing(t *testing.T) {
	s := open()
	for _, n := range []payments.Notice{{ID: "1", ChargeID: "ch_other"}, {ID: "2", Reference: "unknown"}} {
		if err := s.ReceiveNotice(t.Context(), n); err != nil {
			t.Errorf("%+v: %v", n, err)
		}
	}
	foreign := payments.Authorization{
		Reference: "another-system", IdempotencyKey: "k", Amount: good.Amount, PaymentMethod: "pm_card_visa",
	}
	if _, err := s.provider.Authorize(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	s.sandbox.Dispute(foreign.Reference, string(payments.DisputeOpen))
	if err := s.ReceiveNotice(t.Context(), payments.Notice{ID: "3", Reference: foreign.Reference}); err != nil {
		t.Error(err)
	}
	s.wantEvents(t)
}

func TestNoticeIsRetriedIfTheChargeCannotBeRead(t *testing.T) {
	s := open()
	s.do(t, s.authorize(t), s.capture(t), s.void(t))
	s.endOrder(t, orders.OrderRejected, 2)
	s.sandbox.Set(order, sandbox.StatusCaptured)
	s.network.loseFind = true
	if err := s.ReceiveNotice(t.Context(), payments.Notice{ID: "evt_1", Reference: order}); !errors.Is(err, errLost) {
		t.Errorf("%v, want the provider's error", err)
	}
	s.network.loseFind = false
	s.noticed(t, "evt_1")
	s.wantStands(t, payments.ChargeRefunded)
}
