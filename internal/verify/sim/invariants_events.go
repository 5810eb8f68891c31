package sim

import (
	"context"

	"orderflow/internal/orders"
)

// eventsArrived: every event of an outbox was handled by all its subscribers and left the outbox.
func eventsArrived(w *World, broken func(string, string, ...any)) {
	for _, e := range w.history.events {
		for _, name := range w.consumers {
			if q := w.queues[name]; q.wants(e.service, e.Type) && q.handled[e.ID] == 0 {
				broken(e.Subject, "%s never handled %s", name, e.Type)
			}
		}
	}
	logs := w.logs()
	for _, service := range sortedKeys(logs) {
		waiting, err := logs[service].Outbox(context.Background())
		if err != nil || len(waiting) > 0 {
			broken("", "%d events are left in the outbox of %s (%v)", len(waiting), service, err)
		}
	}
	for _, name := range w.consumers {
		if n := len(w.queues[name].dead); n > 0 {
			broken("", "%d messages are in the dead-letter queue of %s", n, name)
		}
	}
}

func pricesProjected(w *World, broken func(string, string, ...any)) {
	ctx := context.Background()
	for _, sku := range w.shop.skus {
		product, err := w.stores.catalog.Product(ctx, sku)
		if err != nil {
			broken("", "%s: %v", sku, err)
		}
		known, err := w.stores.orders.Price(ctx, sku)
		if err != nil || known.Price != product.Price || known.Version != product.Version {
			broken("", "%s costs %v (version %d), but the price book has %v (version %d)",
				sku, product.Price, product.Version, known.Price, known.Version)
		}
	}
}

// endings are the subjects of the mails about an order's final status.
var endings = map[orders.Status]string{
	orders.StatusConfirmed: "Your order is confirmed",
	orders.StatusRejected:  "We could not fulfil your order",
	orders.StatusCancelled: "Your order is cancelled",
}

// customersTold: each customer gets a mail about the order's final status and about no other. The
// mailer checks that nobody gets it twice.
func customersTold(w *World, broken func(string, string, ...any)) {
	for _, id := range w.history.orders() {
		status, told := w.order(id).Status, false
		for _, m := range w.history.mails[id] {
			for end, subject := range endings {
				if m.subject != subject {
					continue
				}
				told = true
				if end != status {
					broken(id, "the customer was told %s, but it is %s", end, status)
				}
			}
		}
		if !told && !w.history.bounced[id] {
			broken(id, "the customer was never told that it is %s", status)
		}
	}
}
