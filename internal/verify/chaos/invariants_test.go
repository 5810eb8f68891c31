package chaos

import (
	"slices"
	"testing"

	"orderflow/internal/dev/demo"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

var price = money.Money{Currency: "EUR", Amount: 1999}

// atRest returns the facts of a correct system with one order of each kind.
func atRest() facts {
	why := "OUT_OF_STOCK"
	line := []client.Line{{SKU: "CHAOS-MUG", Quantity: 2}}
	f := facts{listed: map[string]client.Order{"good": {}, "bad": {}}, stock: map[string]client.Stock{},
		outboxes: map[string]int{}, kills: map[string]int{}, sales: &sales{orders: 1, revenue: price.Amount}}
	f.orders = []orderFacts{
		{order: order{id: "good"},
			now:     client.Order{OrderID: "good", Status: client.Confirmed, Total: price, Items: line},
			payment: "CAPTURED", reservations: "COMMITTED", shipment: "BOOKED",
			parcels: []demo.Parcel{{Status: "BOOKED"}},
			charges: []demo.Charge{charge("good", "CAPTURED", price, true)},
			mails:   []string{"Your order is confirmed"}},
		{order: order{id: "bad"},
			now:     client.Order{OrderID: "bad", Status: client.Rejected, Reason: &why, Total: price, Items: line},
			payment: "VOIDED", reservations: "RELEASED", shipment: "CANCELLED",
			parcels: []demo.Parcel{{Status: "CANCELLED"}},
			charges: []demo.Charge{charge("bad", "VOIDED", price, false)},
			mails:   []string{"We could not fulfil your order"}},
	}
	f.ledger = []demo.Charge{charge("good", "CAPTURED", price, true), charge("bad", "VOIDED", price, false)}
	for _, p := range products(len(f.orders)) {
		f.stock[p.sku] = client.Stock{SKU: p.sku, OnHand: p.stocked, Available: p.stocked}
	}
	f.stock["CHAOS-MUG"] = client.Stock{SKU: "CHAOS-MUG", OnHand: 18, Shipped: 2, Available: 18}
	f.shelves = map[string]int{}
	for sku, stock := range f.stock {
		f.shelves[sku] = stock.OnHand
	}
	return f
}

// broken returns the names of the violated invariants.
func broken(f facts) (names []string) {
	for _, v := range f.violations() {
		names = append(names, v.invariant)
	}
	return names
}

func TestInvariantsHoldForACorrectSystem(t *testing.T) {
	f := atRest()
	f.orders[0].mails = append(f.orders[0].mails, "Your order is confirmed")
	f.kills["notify-customer"] = 1 // which explains the second mail
	f.deadLetters = []deadLetter{{"project-order", "{}"}}
	f.kills["project-order"] = deliveries // which explain the message
	if names := broken(f); names != nil {
		t.Errorf("violated: %q", names)
	}
	f.kills = map[string]int{wholeProcess: 1} // which explains the second mail, too
	f.deadLetters = nil
	if names := broken(f); names != nil {
		t.Errorf("violated with one process: %q", names)
	}
	f.sales, f.shelves = nil, nil // without brokers nobody reports, and there is no warehouse
	if names := broken(f); names != nil {
		t.Errorf("violated without reports: %q", names)
	}
}

// Every invariant is violated by at least one case, and each case by its own invariant.
func TestEveryInvariantDetectsItsViolations(t *testing.T) {
	good, bad := 0, 1
	wrongs := map[string][]func(*facts){
		"every order is in a final state": {func(f *facts) { f.orders[bad].now.Status = client.Pending }},
		"a request with its key made one order": {func(f *facts) { f.listed["other"] = client.Order{} },
			func(f *facts) { delete(f.listed, "good") }, func(f *facts) { f.orders[bad].id = "good" }},
		"no execution is running": {func(f *facts) { f.running = []string{"good"} }},
		"outboxes are empty": {
			func(f *facts) { f.outboxes["orderflow-orders"] = 1 },
		},
		"reports have every confirmed order once, and the money of the provider's ledger": {
			func(f *facts) { f.sales.orders = 0 },
			func(f *facts) { f.sales = &sales{orders: 2, revenue: 2 * price.Amount} },
			func(f *facts) { f.sales.revenue-- },
			func(f *facts) { f.orders[good].charges[0].Captured = false },
			func(f *facts) { f.orders[bad].charges[0].Captured, f.orders[bad].charges[0].Status = true, "CAPTURED" },
		},
		"the payment's status matches the provider's": {
			func(f *facts) { f.orders[good].payment = "AUTHORIZED" },
			func(f *facts) { f.orders[bad].payment = "CAPTURED" },
		},
		"an order whose cancellation was accepted is CANCELLED": {func(f *facts) { f.orders[good].cancelled = true }},
		"on hand + shipped = stocked, nothing is reserved, and what was confirmed was shipped": {
			func(f *facts) { f.stock[scarce] = client.Stock{SKU: scarce, Reserved: 1} },
			func(f *facts) { f.orders[bad].now.Status = client.Confirmed },
		},
		"the warehouse counts what the shop has on hand": {
			func(f *facts) { f.shelves["CHAOS-MUG"]-- },
			func(f *facts) { f.shelves["CHAOS-SHIRT"] = 0 },
		},
		"stock is COMMITTED if and only if the order is CONFIRMED, and RELEASED or never held otherwise": {
			func(f *facts) { f.orders[good].reservations = "RESERVED" },
			func(f *facts) { f.orders[bad].reservations = "COMMITTED" },
		},
		"the provider has at most one live charge, captured in full if and only if the order is CONFIRMED": {
			func(f *facts) { f.orders[good].charges = nil },
			func(f *facts) { f.orders[good].charges[0].Amount.Amount-- },
			func(f *facts) { f.orders[good].charges = append(f.orders[good].charges, f.orders[good].charges[0]) },
			func(f *facts) { f.orders[bad].charges[0].Status = "AUTHORIZED" },
		},
		"the provider has no live charge without an order": {func(f *facts) {
			f.ledger = append(f.ledger, charge("stranger", "AUTHORIZED", price, false))
		}},
		"a shipment is BOOKED, by us and by the carrier, if and only if the order is CONFIRMED": {
			func(f *facts) { f.orders[bad].parcels[0].Status = "BOOKED" },
			func(f *facts) { f.orders[bad].shipment = "BOOKED" },
			func(f *facts) { f.orders[good].parcels = append(f.orders[good].parcels, demo.Parcel{Status: "BOOKED"}) },
		},
		"the customer was told the final state, and no other": {
			func(f *facts) { f.orders[bad].mails = nil },
			func(f *facts) { f.orders[bad].mails = append(f.orders[bad].mails, "Your order is confirmed") },
		},
		"a mail comes twice only where a notifier was killed": {
			func(f *facts) { f.orders[bad].mails = append(f.orders[bad].mails, f.orders[bad].mails[0]) },
		},
		"no message is in a dead-letter queue, unless its function was killed on every delivery": {
			func(f *facts) {
				f.deadLetters = []deadLetter{{"project-order", "{}"}}
				f.kills["project-order"] = deliveries - 1
			},
			func(f *facts) { // no number of kills explains it
				f.deadLetters = []deadLetter{{"notify-customer", "{}"}}
				f.kills[wholeProcess] = 10 * deliveries
			},
		},
	}
	for _, i := range invariants {
		if len(wrongs[i.name]) == 0 {
			t.Errorf("no case violates %q", i.name)
		}
	}
	for name, all := range wrongs {
		for n, wrong := range all {
			f := atRest()
			wrong(&f)
			if names := broken(f); !slices.Contains(names, name) {
				t.Errorf("%q does not detect case %d; violated: %q", name, n, names)
			}
		}
	}
}

func TestSeedDeterminesThePlan(t *testing.T) {
	r := &run{Options: Options{Seed: 7}}
	a, b := plan(r.rand(1), 300, 0, true), plan(r.rand(1), 300, 0, true)
	kinds := map[string]int{}
	for n, w := range a {
		if w.key() != b[n].key() || w.customer != b[n].customer || w.cancel != b[n].cancel ||
			w.request.PaymentMethod != b[n].request.PaymentMethod {
			t.Fatalf("order %d is %+v and %+v", n, w, b[n])
		}
		kinds[w.request.PaymentMethod]++
		kinds[w.request.ShippingAddress.PostalCode]++
		if w.cancel > 0 {
			kinds["cancelled"]++
		}
	}
	for _, want := range []string{"pm_card_visa", "sandbox_flaky", "sandbox_timeout", "sandbox_error",
		"pm_card_visa_chargeDeclined", "00000", silent, "cancelled"} {
		if kinds[want] == 0 {
			t.Errorf("no order is %s", want)
		}
	}
}

func charge(reference, status string, amount money.Money, captured bool) demo.Charge {
	return demo.Charge{Reference: reference, Status: status, Amount: amount, Captured: captured}
}
