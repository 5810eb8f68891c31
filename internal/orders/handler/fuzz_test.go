package handler

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"orderflow/api"
)

// FuzzPlacement checks that place-order can read every body that the contract allows, with all
// lines.
func FuzzPlacement(f *testing.F) {
	const address = `"paymentMethod":"pm_card_visa",` +
		`"shippingAddress":{"name":"Ada","line1":"12 St","city":"Berlin","postalCode":"10115","country":"DE"}`
	for _, seed := range []string{
		`{"items":[{"sku":"MUG","quantity":2}],` + address + `}`,
		`{"items":[{"sku":"MUG","quantity":7.0},{"sku":"TEA","quantity":1e2}],` + address + `}`,
		`{"items":[{"sku":"MUG","quantity":1e400}],` + address + `}`,
		`{"items":[{"sku":"MUG","quantity":0.5}],` + address + `}`,
		`{"items":[{"sku":"","quantity":1}],` + address + `}`,
		`{"items":[{"sku":"MUG","quantity":1,"sku":"TEA"}],` + address + `}`,
		`{"items":[],` + address + `}`, `{"items":null}`, `{"Items":[{"SKU":"MUG","Quantity":1}],` + address + `}`,
		`[]`, `null`, `{`, ``, "\xff", strings.Repeat(`[`, 20),
	} {
		f.Add([]byte(seed))
	}
	op, err := api.Load("placeOrder")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "/v1/orders", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/json")
		err := op.Validate(r, nil)
		var invalid *api.InvalidRequest
		if errors.As(err, &invalid) {
			return
		}
		if err != nil {
			t.Fatalf("%v, want *InvalidRequest or nil", err)
		}
		accepted, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		var in placement
		if err := json.Unmarshal(accepted, &in); err != nil {
			t.Fatalf("%s is valid but cannot be read: %v", accepted, err)
		}
		if len(in.Items) == 0 || in.PaymentMethod == "" || in.ShippingAddress.Name == "" {
			t.Errorf("%s is valid but read as %+v", accepted, in)
		}
		for _, item := range in.Items {
			if item.SKU == "" || item.Quantity < 1 || item.Quantity > 999 {
				t.Errorf("%s is valid with the line %+v", accepted, item)
			}
		}
	})
}
