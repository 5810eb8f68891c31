package handler

import (
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"

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

func TestListProductsByName(t *testing.T) {
	svc := open()
	for sku, name := range map[string]string{"A": "Große Tasse", "B": "Kleine Tasse", "C": "Kanne"} {
		v := thing
		v.Name = name
		if _, err := svc.PutProduct(t.Context(), sku, v); err != nil {
			t.Fatal(err)
		}
	}
	query := map[string][]string{"name": {"TASS"}, "limit": {"1"}}
	first := list(t, svc, query)
	query["cursor"] = []string{*first.Cursor}
	last := list(t, svc, query)
	if first.Products[0].SKU != "A" || len(last.Products) != 1 || last.Products[0].SKU != "B" || last.Cursor != nil {
		t.Errorf("%+v, then %+v", first, last)
	}
	query["name"] = []string{"kanne"} // the cursor is of another search
	wantProblem(t, invoke(t, listProducts, svc, "list-products", func(in *events.APIGatewayProxyRequest) {
		in.MultiValueQueryStringParameters = query
	}), http.StatusBadRequest, "InvalidCursor")
}
