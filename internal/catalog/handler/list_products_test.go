package handler

import (
	"testing"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/money"
)

// thing is what a product is.
var thing = catalog.Values{Name: "Thing", Price: money.Money{Currency: "EUR", Amount: 1}}

func TestListProductsBySKU(t *testing.T) {
	svc := open()
	for _, sku := range []string{"A", "B", "C"} {
		if _, err := svc.PutProduct(t.Context(), sku, thing); err != nil {
			t.Fatal(err)
		}
	}
	page := list(t, svc, map[string][]string{"skus": {"C,none,A,C"}})
	if len(page.Products) != 2 || page.Products[0].SKU != "C" || page.Products[1].SKU != "A" || page.Cursor != nil {
		t.Errorf("%+v, want C and A", page)
	}
}

func TestListProductsAfterASKU(t *testing.T) {
	svc := open()
	for _, sku := range []string{"A", "B", "C"} {
		if _, err := svc.PutProduct(t.Context(), sku, thing); err != nil {
			t.Fatal(err)
		}
	}
	for after, want := range map[string]int{"A": 2, "AA": 2, "C": 0} {
		page := list(t, svc, map[string][]string{"after": {after}})
		if len(page.Products) != want || want > 0 && page.Products[0].SKU != "B" {
			t.Errorf("after %s: %+v, want %d products", after, page, want)
		}
	}
}
