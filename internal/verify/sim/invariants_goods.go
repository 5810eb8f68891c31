package sim

import (
	"context"
	"errors"

	"orderflow/internal/inventory"
	"orderflow/internal/orders"
	"orderflow/internal/payments"
	"orderflow/internal/shipping"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/provider"
)

// stockConserved: stock is neither gained nor lost, none stays reserved, and confirmed orders are
// shipped.
func stockConserved(w *World, broken func(string, string, ...any)) {
	shipped := map[string]int{}
	for _, id := range w.history.orders() {
		if o := w.order(id); o.Status == orders.StatusConfirmed {
			for _, item := range o.Items {
				shipped[item.SKU] += item.Quantity
			}
		}
	}
	for _, sku := range w.shop.everything() {
		s, err := w.stores.inventory.Stock(context.Background(), sku)
		if err != nil {
			broken("", "%s: %v", sku, err)
			continue
		}
		if total := s.Available + s.Reserved + s.Shipped; total != w.shop.stock[sku] {
			broken("", "%s: %d available, %d reserved, %d shipped, but %d were stocked",
				sku, s.Available, s.Reserved, s.Shipped, w.shop.stock[sku])
		}
		if s.Reserved != 0 || s.Shipped != shipped[sku] {
			broken("", "%s: %d reserved and %d shipped, but %d were sold", sku, s.Reserved, s.Shipped, shipped[sku])
		}
	}
}

// ledgerRight checks the provider's ledger, not ours.
func ledgerRight(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		o := w.order(id)
		live, given := 0, w.parties.refunded[id]
		owed := o.Status == orders.StatusConfirmed && given < o.Total.Amount // else all of it was refunded by hand
		charges := w.charges(id)
		if o.Total.Amount == 0 {
			w.reach("a free order " + string(o.Status))
			if len(charges) > 0 {
				broken(id, "it is free, but the provider has %d charges", len(charges))
			}
			continue
		}
		for _, c := range charges {
			held := c.Status == provider.StatusAuthorized || c.Status == provider.StatusCaptured
			if held {
				live++
			}
			if c.Captured && c.Amount != o.Total {
				broken(id, "%v was captured of %v", c.Amount, o.Total)
			}
			if c.Captured != owed || held && !c.Captured {
				broken(id, "the charge is %s, the order %s, %d refunded by hand", c.Status, o.Status, given)
			}
			back := c.RefundedAmount.Amount
			if c.Captured && back != given || c.Status == provider.StatusRefunded && back != c.Amount.Amount {
				broken(id, "the charge is %s, %d of %v refunded, %d by hand", c.Status, back, c.Amount, given)
			}
		}
		if live > 1 || live == 0 && owed {
			broken(id, "%d live charges, but the order is %s", live, o.Status)
		}
	}
}

// shipmentsRight checks the carrier's records, not ours.
func shipmentsRight(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		confirmed, coming := w.order(id).Status == orders.StatusConfirmed, false
		found, err := w.parties.carrier.Shipments(context.Background(), id)
		if err != nil {
			broken(id, "%v", err)
		}
		for _, s := range found {
			switch s.Status {
			case carrier.StatusBooked:
				coming = true
				if number := w.order(id).TrackingNumber; number != s.TrackingNumber {
					broken(id, "the order has the tracking number %q, the carrier's is %q", number, s.TrackingNumber)
				}
			case carrier.StatusRequested:
				broken(id, "the shipment is still undecided")
			}
		}
		if confirmed != coming {
			broken(id, "confirmed: %t, but the carrier ships: %t", confirmed, coming)
		}
	}
}

// booksAgree: our services' records match the order's outcome.
func booksAgree(w *World, broken func(string, string, ...any)) {
	ctx := context.Background()
	for _, id := range w.history.orders() {
		confirmed := w.order(id).Status == orders.StatusConfirmed
		p, err := w.stores.payments.Payment(ctx, id)
		charges := w.charges(id)
		switch {
		case err != nil && !errors.Is(err, payments.ErrNoPayment):
			broken(id, "%v", err)
		case w.order(id).Total.Amount == 0:
			if (p.Status == payments.StatusCaptured) != confirmed || p.Status == payments.StatusAuthorized {
				broken(id, "it is free, confirmed: %t, but the payment is %q", confirmed, p.Status)
			}
		case len(charges) == 1 && string(charges[0].Status) != string(p.Status):
			broken(id, "the payment is %q, the provider's charge %s", p.Status, charges[0].Status)
		case len(charges) == 1 && p.RefundedAmount().Amount != charges[0].RefundedAmount.Amount:
			broken(id, "we record %v as refunded, the provider %v", p.RefundedAmount(), charges[0].RefundedAmount)
		case len(charges) == 0 && p.Status != "" && p.Status != payments.StatusDeclined:
			broken(id, "the payment is %s, but the provider has no charge", p.Status)
		}
		r, err := w.stores.inventory.Reservation(ctx, id)
		if (err == nil && r.Status == inventory.StatusCommitted) != confirmed || r.Status == inventory.StatusReserved {
			broken(id, "confirmed: %t, but the reservation is %q", confirmed, r.Status)
		}
		sh, err := w.stores.shipping.Shipment(ctx, id)
		if (err == nil && sh.Status == shipping.StatusBooked) != confirmed || sh.Status == shipping.StatusRequested {
			broken(id, "confirmed: %t, but the shipment is %q", confirmed, sh.Status)
		}
	}
}
