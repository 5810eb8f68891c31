package payments_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/platform/fault"
)

// deliveries is one sequence of calls of a payment's steps.
type deliveries []string

// TestNothingIsHeldAfterASuccessfulUndo plays every sequence of up to five deliveries of do,
// capture and undo. A delivery may be executed, executed with its response lost, or (authorize)
// reach the provider after everything else. Steps are repeated in any order, also after the undo.
// After a successful undo the provider's ledger must never again hold money for the order; without
// one, our record must agree with the ledger.
func TestNothingIsHeldAfterASuccessfulUndo(t *testing.T) {
	actions := []string{
		"do", "do-answer-lost", "do-request-late", "do-declined",
		"capture", "capture-answer-lost", "undo", "undo-answer-lost",
	}
	played := 0
	var play func(prefix deliveries)
	play = func(prefix deliveries) {
		if len(prefix) > 0 {
			run(t, prefix)
			played++
		}
		if len(prefix) == 5 || t.Failed() {
			return
		}
		for _, a := range actions {
			play(append(prefix[:len(prefix):len(prefix)], a))
		}
	}
	play(nil)
	if want := 8 + 64 + 512 + 4096 + 32768; played != want && !t.Failed() {
		t.Errorf("played %d sequences, want %d", played, want)
	}
}

func run(t *testing.T, ds deliveries) {
	t.Helper()
	s := open()
	undone, opened := false, false
	// Unlike a saga, such a sequence repeats a key with another payment method, which the provider
	// rejects.
	mixed := slices.Contains(ds, "do-declined") && slices.ContainsFunc(ds, func(d string) bool {
		return d == "do" || d == "do-answer-lost" || d == "do-request-late"
	})
	for _, d := range ds {
		in := good
		if d == "do-declined" {
			in = step("pm_card_visa_chargeDeclined")
		}
		s.network.loseAnswer = strings.HasSuffix(d, "answer-lost")
		s.network.loseRequest = strings.HasSuffix(d, "request-late")
		var err error
		switch name, _, _ := strings.Cut(d, "-"); name {
		case "do":
			_, err = s.AuthorizePayment(t.Context(), in)
		case "capture":
			_, err = s.CapturePayment(t.Context(), in)
		case "undo":
			if _, err = s.VoidPayment(t.Context(), in); err == nil {
				undone = true
			}
			opened = opened || err != nil
		}
		allowed := mixed && fault.From(err).Code == "PaymentProviderRefused"
		if fault.KindOf(err) == fault.Internal && !allowed {
			t.Errorf("%v: %s: %v", ds, d, err)
		}
	}
	for _, late := range s.network.late {
		_, _ = s.provider.Authorize(t.Context(), late) // the caller has given up
	}
	charge := s.charge(order)
	p, err := s.GetPayment(t.Context(), order)
	known := err == nil
	switch {
	case undone && charge.Live():
		t.Errorf("%v: undone, but the charge is %+v", ds, charge)
	case undone && known && (p.Status == payments.StatusAuthorized || p.Status == payments.StatusCaptured):
		t.Errorf("%v: undone, but the payment is %s", ds, p.Status)
	case undone && charge.ID != "" && fmt.Sprint(p.Status) != fmt.Sprint(charge.Status):
		t.Errorf("%v: the charge is %s, the payment %q", ds, charge.Status, p.Status)
	case !undone && !opened && known && p.Status == payments.StatusCaptured && charge.Status != payments.ChargeCaptured:
		t.Errorf("%v: the payment is captured, the charge %s", ds, charge.Status)
	}
}
