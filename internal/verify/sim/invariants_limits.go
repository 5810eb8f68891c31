package sim

import (
	"context"
	"time"

	"orderflow/internal/orders"
	ordersContract "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

const limitsKept = "customers are held to their limits"

// account is what counts against a customer's limits according to the events.
type account struct {
	open     map[string]bool
	declined []time.Time
}

// counted applies an event of orders to its customer's account and checks the limits.
func (h *history) counted(e envelope.Event) {
	var order struct{ CustomerID, Reason string }
	switch e.Type {
	case ordersContract.OrderCreated, ordersContract.OrderConfirmed, ordersContract.OrderRejected,
		ordersContract.OrderCancelled:
		order = must(envelope.Decode[struct{ CustomerID, Reason string }](e))
	default:
		return
	}
	a := h.accounts[order.CustomerID]
	if a == nil {
		a = &account{open: map[string]bool{}}
		h.accounts[order.CustomerID] = a
	}
	if e.Type != ordersContract.OrderCreated {
		delete(a.open, e.Subject)
		if r := orders.Reason(order.Reason); r == orders.ReasonPaymentDeclined ||
			r == orders.ReasonCancelledByCustomer {
			a.declined = append(a.declined, e.Time)
		}
		return
	}
	recent := 0
	for _, at := range a.declined {
		if at.After(limits.Since(e.Time).Add(time.Millisecond)) { // stores keep whole milliseconds
			recent++
		}
	}
	if a.open[e.Subject] = true; len(a.open) > limits.Open || recent >= limits.Declines {
		h.w.violate(limitsKept, e.Subject, "%s placed another order, with %d open and %d declined",
			order.CustomerID, len(a.open)-1, recent)
	}
}

// tallyRight: no final order counts against a limit; at rest all orders are final.
func tallyRight(w *World, broken func(string, string, ...any)) {
	for _, customer := range sortedKeys(w.history.accounts) {
		t, err := w.stores.orders.Tally(context.Background(), customer)
		for _, id := range t.Open {
			if o := w.order(id); err != nil || o.Status.Final() {
				broken(id, "%s is %s but still counts as open for %s, %v", id, o.Status, customer, err)
			}
		}
	}
}
