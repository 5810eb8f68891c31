package orders_test

import (
	"fmt"
	"testing"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/idempotency"
)

func TestARejectedOrderSaysWhichLinesWereShort(t *testing.T) {
	for _, c := range []struct{ reason, shortages, want string }{
		{"OUT_OF_STOCK", "1:2 2:1", "[{MUG 2} {TEA 1}]"}, {"OUT_OF_STOCK", "2:3", "[{TEA 3}]"},
		{"OUT_OF_STOCK", "", "[]"}, {"PAYMENT_DECLINED", "1:1", "[]"},
		// what cannot be right is left out
		{"OUT_OF_STOCK", "0:1 3:1 1:0 2:4 1:-1 x 1: :1 1:1", "[{MUG 1}]"},
		{"OUT_OF_STOCK", `{"errorMessage":"OutOfStock: not enough"`, "[]"},
	} {
		s := open(t)
		in := placement(orders.Line{SKU: "MUG", Quantity: 2}, orders.Line{SKU: "TEA", Quantity: 3})
		o, _, err := s.PlaceOrder(t.Context(), idempotency.Request{}, in)
		if err != nil {
			t.Fatal(err)
		}
		reject := contract.Reject{OrderID: o.OrderID, Reason: c.reason, Shortages: c.shortages}
		if _, err := s.RejectOrder(t.Context(), reject); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(s.order(o.OrderID).Shortages); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.reason, c.shortages, got, c.want)
		}
	}
}
