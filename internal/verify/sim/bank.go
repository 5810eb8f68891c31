package sim

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"orderflow/internal/orders"
	payments "orderflow/internal/payments/contract"
)

// methodAsks is a payment method for which the customer must authenticate.
const methodAsks = "pm_card_authenticationRequired"

// look makes a customer poll the order until it has ended or says what to do.
func (w *World) look(p *placed, since time.Time) {
	c := call{
		function: "get-order", method: http.MethodGet, path: "/v1/orders/" + p.id,
		params: map[string]string{"orderId": p.id}, caller: p.customer, order: p.id,
	}
	w.api(c, func(status int, body []byte) {
		var o struct {
			Status     orders.Status
			NextAction *struct{ URL string }
		}
		switch {
		case status != http.StatusOK || json.Unmarshal(body, &o) != nil:
		case o.Status != orders.StatusPending:
			return
		case o.NextAction != nil:
			w.act(p)
			return
		}
		if w.now.Sub(since) < 3*payments.TimeToAct {
			w.after(w.between(5*time.Second, 30*time.Second), func() { w.look(p, since) })
		}
	})
}

// act makes a customer authenticate, fail to, or go away; most act in time.
func (w *World) act(p *placed) {
	wait, succeeds := w.between(time.Second, 3*time.Minute), true
	if !p.good {
		switch w.IntN(8) {
		case 0:
			w.note(p.id, "the customer goes away")
			return
		case 1:
			succeeds = false
		case 2:
			wait = w.between(payments.TimeToAct-time.Minute, 2*payments.TimeToAct)
		}
	}
	w.after(wait, func() { w.authenticate(p.id, succeeds) })
}

// authenticate is the customer's answer on the provider's site. Unless it comes too late, a notice
// follows, or is lost.
func (w *World) authenticate(reference string, succeeds bool) {
	e, err := w.parties.provider.Answer(context.Background(), reference, succeeds)
	switch {
	case err != nil:
		w.note(reference, "the customer acts too late: %v", err)
		w.reach("a customer acted too late")
		return
	case e.Failed:
		w.reach("a customer failed to authenticate")
	default:
		w.reach("a customer authenticated")
	}
	w.note(reference, "the customer authenticates: %t", succeeds)
	kind := "payment_intent.amount_capturable_updated"
	if e.Failed {
		kind = "payment_intent.payment_failed"
	}
	if !w.strikes(answerUnsaid) {
		w.sendNotices(reference, kind)
	}
}
