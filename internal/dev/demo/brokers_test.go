package demo

import (
	"errors"
	"io"
	"strings"
	"testing"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

// equal returns the facts of a demonstration without a broken promise: one order of two pieces.
func equal() streamFacts {
	total := money.Money{Currency: "EUR", Amount: 2 * pricePerPiece}
	order := client.Order{OrderID: "o1", Status: client.Confirmed, Total: total,
		Items: []client.Line{{SKU: "CRATE", Quantity: 2}}}
	return streamFacts{
		accepted: map[string]bool{"o1": true}, orders: []client.Order{order}, repeated: 3, unreadable: 1,
		received: 10, shelf: 8,
		live:   map[string][]Charge{"o1": {{Reference: "o1", Status: "CAPTURED", Amount: total, Captured: true}}},
		before: totals{placed: 7, confirmed: 6, parked: 2, generation: 1},
		after: totals{placed: 8, confirmed: 7, pieces: 2, revenue: total.Amount, parked: 3, rebuild: "DONE",
			generation: 2},
		stock: client.Stock{SKU: "CRATE", OnHand: 8, Available: 8, Shipped: 2},
	}
}

func TestEveryDifferenceBetweenTheBooksIsReported(t *testing.T) {
	if broken := equal().broken(); len(broken) > 0 {
		t.Fatalf("the books are equal, got %v", broken)
	}
	for want, spoil := range map[string]func(*streamFacts){
		"not every fault":              func(f *streamFacts) { f.troubles = []error{errors.New("no process")} },
		"were not accepted":            func(f *streamFacts) { f.refused = []error{errors.New("503")} },
		"order o2 is lost":             func(f *streamFacts) { f.accepted["o2"] = true },
		"order o1 is in a list twice":  func(f *streamFacts) { f.orders = append(f.orders, f.orders[0]) },
		"0 of 1 orders are confirm":    func(f *streamFacts) { f.orders[0].Status = client.Rejected },
		"has captured 5000":            func(f *streamFacts) { f.live["o2"] = f.live["o1"] },
		"has captured 0":               func(f *streamFacts) { f.live["o1"][0].Captured = false },
		"2 more placed orders":         func(f *streamFacts) { f.after.placed++ },
		"0 more confirmed orders":      func(f *streamFacts) { f.after.confirmed-- },
		"reports have 4 pieces":        func(f *streamFacts) { f.after.pieces = 4 },
		"revenue of 1250 cents":        func(f *streamFacts) { f.after.revenue -= pricePerPiece },
		"no message of the warehouse":  func(f *streamFacts) { f.unreadable = 0 },
		"no record was appended again": func(f *streamFacts) { f.repeated = 0 },
		"0 records are parked":         func(f *streamFacts) { f.after.parked = 2 },
		`the rebuild is "BUILDING"`:    func(f *streamFacts) { f.after.rebuild = "BUILDING" },
		"generation 1 serves":          func(f *streamFacts) { f.after.generation = 1 },
		"stock is":                     func(f *streamFacts) { f.stock.Reserved = 1 },
		"the warehouse counts 9":       func(f *streamFacts) { f.shelf = 9 },
	} {
		f := equal()
		spoil(&f)
		if text := errors.Join(f.broken()...); text == nil || !strings.Contains(text.Error(), want) {
			t.Errorf("%s: reported %v", want, text)
		}
		f.print(io.Discard) // whatever the facts are
	}
}

func TestTheTableTellsLostFromCountedTwice(t *testing.T) {
	f := equal()
	f.after.confirmed, f.after.pieces = 6, 4
	var text strings.Builder
	f.print(&text)
	for _, line := range []string{"confirmed 1 0 1 0", "pieces sold 2 4 0 2", "money 25.00 EUR 25.00 EUR 0 0",
		"pieces on hand 8 8 0 0"} {
		if got := strings.Join(strings.Fields(text.String()), " "); !strings.Contains(got, line) {
			t.Errorf("no line %q in:\n%s", line, text.String())
		}
	}
}
