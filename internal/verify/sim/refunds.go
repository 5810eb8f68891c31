package sim

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/payments/provider"
	orderflow "orderflow/sandbox/provider"
)

// giveBack may refund a captured charge by hand, on the provider's site: a part, or all of it if
// the order is confirmed. As with every change there, a notice may or may not follow.
func (w *World) giveBack(reference string) {
	if !w.strikes(handRefund) {
		return
	}
	w.after(w.between(time.Second, 30*time.Minute), func() {
		charges, _ := w.parties.provider.Charges(context.Background(), reference)
		if len(charges) != 1 || !charges[0].Captured {
			return
		}
		left := charges[0].Amount.Amount - charges[0].RefundedAmount.Amount
		amount := left
		if w.order(reference).Status != orders.StatusConfirmed || w.IntN(2) == 0 {
			amount = 1 + w.Int64N(left)
		}
		if w.order(reference).Status != orders.StatusConfirmed && amount == left {
			return // a full refund of an open order would count as a void
		}
		w.refund(reference, amount)
	})
}

// refund refunds a part of a charge, as the provider's site does.
func (w *World) refund(reference string, cents int64) {
	w.refunds++
	body := fmt.Appendf(nil, `{"amount":{"currency":"EUR","amount":%d}}`, cents)
	ctx, url := context.Background(), "http://"+provider.Name+"/charges/"+reference+"/refund"
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	r.Header.Set("Idempotency-Key", fmt.Sprintf("refund-%d", w.refunds))
	if res := w.network.serve(r, body); res.Code != http.StatusOK {
		w.violate("the provider holds exactly what is owed", reference,
			"a refund of %d was refused: %d %s", cents, res.Code, res.Body.Bytes())
		return
	}
	w.parties.refunded[reference] += cents
	w.note(reference, "%d cents are refunded at the provider, by hand", cents)
	charges, _ := w.parties.provider.Charges(ctx, reference)
	if len(charges) == 1 && charges[0].Status == orderflow.StatusRefunded {
		w.reach("a confirmed order was refunded at the provider")
	} else {
		w.reach("a part was refunded at the provider")
	}
}
