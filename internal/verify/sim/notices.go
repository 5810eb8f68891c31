package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"orderflow/internal/payments/stripe"
)

// sendNotices may have the payment provider send a notice about a reference until it is accepted.
// Most changes cause none: each notice leads to calls to the provider, which would dominate the
// runs.
func (w *World) sendNotices(reference string) {
	wait, times := w.between(50*time.Millisecond, 3*time.Second), 1
	switch {
	case !w.strikes(refundNotice):
		return
	case w.strikes(refundNoticeLate):
		wait = w.between(time.Minute, 10*time.Minute)
	case w.strikes(refundNoticeTwice):
		times = 2
	}
	w.notices++
	id := fmt.Sprintf("evt_%d", w.notices)
	for range times {
		w.after(wait, func() { w.sendNotice(reference, id, 1) })
		wait = w.between(50*time.Millisecond, 10*time.Minute)
	}
}

// sendNotice sends a notice in Stripe's format through the API. It only says that something
// changed.
func (w *World) sendNotice(reference, id string, attempt int) {
	body := must(json.Marshal(map[string]any{"id": id, "type": "charge.refunded", "data": map[string]any{
		"object": map[string]any{"object": "charge", "metadata": map[string]string{"order_id": reference}},
	}}))
	header := map[string]string{stripe.HeaderSignature: stripe.Sign(secret, w.now, body)}
	final := w.order(reference).Status.Final()
	before, _ := w.parties.provider.Charges(context.Background(), reference)
	c := call{
		function: "receive-payment-webhook", path: "/v1/webhooks/payment", method: http.MethodPost,
		header: header, body: body, order: reference,
	}
	w.api(c, func(status int, answer []byte) {
		switch {
		case status == http.StatusNoContent:
			after, _ := w.parties.provider.Charges(context.Background(), reference)
			if len(before) == 1 && len(after) == 1 && before[0] != after[0] && final {
				w.reach("a notice led to a refund")
			}
		case status < http.StatusInternalServerError:
			w.violate("the provider's notices are accepted", reference,
				"the webhook answered %d %s", status, brief(answer))
		case attempt < 12:
			w.reach("the payment provider repeated a notice")
			w.after(time.Second<<attempt, func() { w.sendNotice(reference, id, attempt+1) })
		}
	})
}
