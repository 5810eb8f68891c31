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

// giveBack may have somebody refund a charge on the provider's own site, some time after it was captured: a part of it, or all
// of it where its order is confirmed. Whether we are told is chance, as with every change there.
func (w *World) giveBack(reference string) {
	if !w.strikes(givenBack) {
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
			return // all of it while the order is under way: the saga takes it for a void, as it must
		}
		w.refund(reference, amount)
	})
}

// refund gives back an amount of a charge, as the provider's site does.
func (w *World) refund(reference string, cents int64) {
	w.refunds++
	body := fmt.Appendf(nil, `{"amount":{"currency":"EUR","amount":%d}}`, cents)
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+provider.Name+"/charges/"+reference+"/refund", bytes.NewReader(body))
	r.Header.Set("Idempotency-Key", fmt.Sprintf("refund-%d", w.refunds))
	if res := w.network.serve(r, body); res.status != http.StatusOK {
		w.violate("the provider holds what is owed and no more", reference, "a refund of %d was refused: %d %s", cents, res.status, res.body.Bytes())
		return
	}
	w.parties.refunded[reference] += cents
	w.note(reference, "somebody refunds %d cents at the provider", cents)
	if charges, _ := w.parties.provider.Charges(context.Background(), reference); len(charges) == 1 && charges[0].Status == orderflow.StatusRefunded {
		w.reach("somebody refunded a confirmed order at the provider")
	} else {
		w.reach("somebody refunded a part at the provider")
	}
}
