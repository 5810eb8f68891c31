package inventory_test

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/platform/idempotency"
)

func TestCustomersSeeWhetherStockIsLeftAndNotHowMuch(t *testing.T) {
	s := newShop(t)
	stock := map[string]int{"a": 10, "b": 9, "c": 1, "d": 1}
	skus := []string{"none", "d", "c", "b", "a"}
	for sku, n := range stock {
		_, _, err := s.AdjustStock(t.Context(), idempotency.Request{}, adjustment(sku, n))
		must(t, err)
	}
	in := input(order)
	in.Items = in.Items[:1]
	in.Items[0].SKU, in.Items[0].Quantity = "d", 1
	_, err := s.ReserveStock(t.Context(), in)
	must(t, err)
	found, err := s.ListAvailability(t.Context(), skus)
	must(t, err)
	want := []inventory.AvailabilityStatus{
		inventory.OutOfStock, inventory.OutOfStock, inventory.Low, inventory.Low, inventory.InStock,
	}
	for i, a := range found {
		if a != (inventory.Availability{SKU: skus[i], Status: want[i], AsOf: s.clock.Now()}) {
			t.Errorf("%+v, want %s of %s", a, want[i], skus[i])
		}
	}
	if len(found) != len(skus) {
		t.Errorf("%d of %d SKUs", len(found), len(skus))
	}
}
