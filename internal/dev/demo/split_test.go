package demo

import (
	"errors"
	"io"
	"strings"
	"testing"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

// movedFacts are the facts of moves without a broken promise: a confirmed order, which was parked,
// and a declined one.
func movedFacts() moveFacts {
	total := money.Money{Currency: "EUR", Amount: 2490}
	declined := "PAYMENT_DECLINED"
	return moveFacts{
		placed: map[string]kind{"1": kinds[0], "2": kinds[4]}, by: 1, parked: []string{"1"},
		orders: []movedOrder{
			{
				Order: client.Order{OrderID: "1", Status: client.Confirmed, Total: total,
					Items: []client.Line{{Quantity: 1}}},
				charges: []Charge{{Reference: "1", Status: "CAPTURED", Amount: total, Captured: true}},
				parcels: []Parcel{{Status: "BOOKED"}}, mails: []string{finalMail[client.Confirmed]}, executions: 1,
			},
			{
				Order: client.Order{OrderID: "2", Status: client.Rejected, Reason: &declined, Total: total},
				mails: []string{finalMail[client.Rejected]}, executions: 2,
			},
		},
		stocked: client.Stock{OnHand: 10, Available: 10}, left: client.Stock{OnHand: 9, Available: 9, Shipped: 1},
	}
}

func TestEveryBrokenPromiseOfTheMovesIsReported(t *testing.T) {
	if broken := movedFacts().broken(); len(broken) > 0 {
		t.Fatalf("no promise is broken, got %v", broken)
	}
	for want, spoil := range map[string]func(*moveFacts){
		"1 orders were not accepted":            func(f *moveFacts) { f.refused = []error{errors.New("503")} },
		"2 executions are still running":        func(f *moveFacts) { f.running = 2 },
		"the process parked no saga":            func(f *moveFacts) { f.parked = nil },
		"no order was placed at the process":    func(f *moveFacts) { f.by = 0 },
		"order 2 is lost":                       func(f *moveFacts) { f.orders = f.orders[:1] },
		"order 2 is in a list twice":            func(f *moveFacts) { f.orders = append(f.orders, f.orders[1]) },
		"no client knows of order 2":            func(f *moveFacts) { delete(f.placed, "2") },
		"order 2 is stuck":                      func(f *moveFacts) { f.orders[1].Status = client.Pending },
		"order 2 ended CANCELLED":               func(f *moveFacts) { f.orders[1].Status = client.Cancelled },
		"order 1 of 24.90 EUR is CONFIRMED":     func(f *moveFacts) { f.orders[0].charges = nil },
		"order 2 of 24.90 EUR is REJECTED":      func(f *moveFacts) { f.orders[1].charges = f.orders[0].charges },
		"order 1 is CONFIRMED, and the carrier": func(f *moveFacts) { f.orders[0].parcels[0].Status = "CANCELLED" },
		"order 1 is CONFIRMED, and its customer got the mail": func(f *moveFacts) {
			f.orders[0].mails = append(f.orders[0].mails, f.orders[0].mails...)
		},
		"order 2 is REJECTED, and its customer got the mail": func(f *moveFacts) { f.orders[1].mails = nil },
		"order 1 was parked, and no function resumed it":     func(f *moveFacts) { f.orders[0].executions = 0 },
		"stock is": func(f *moveFacts) { f.left.Reserved = 1 },
	} {
		f := movedFacts()
		spoil(&f)
		broken := errors.Join(f.broken()...)
		if broken == nil || !strings.Contains(broken.Error(), want) {
			t.Errorf("broken promises are %v, want %q", broken, want)
		}
		f.print(io.Discard)
	}
}
