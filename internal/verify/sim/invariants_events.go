package sim

import (
	"context"

	"orderflow/internal/orders"
)

// eventsArrived: whatever was written into an outbox was handled by everybody who subscribes to it, and left the outbox.
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
			broken("", "%d messages are dead before %s", n, name)
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
			broken("", "%s costs %v (version %d), but orders are priced %v (version %d)", sku, product.Price, product.Version, known.Price, known.Version)
		}
	}
}

// endings are the subjects of the mails that tell of an order's end, as customers read them.
var endings = map[orders.Status]string{
	orders.StatusConfirmed: "Your order is confirmed",
	orders.StatusRejected:  "We could not fulfil your order",
	orders.StatusCancelled: "Your order is cancelled",
}

// customersTold: of how the order ended, and of no other end. That nobody is told twice is watched by the mailer.
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
					broken(id, "the customer was told %s, and it is %s", end, status)
				}
			}
		}
		if !told && !w.history.bounced[id] {
			broken(id, "the customer was never told that it is %s", status)
		}
	}
}
