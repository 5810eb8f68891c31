package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/client"
)

// graphql executes a request, decodes data into out and returns the errors as "path code".
func graphql(t *testing.T, as *client.Client, query string, variables map[string]any, out any) (errs []string) {
	t.Helper()
	var res struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Path       []any
			Extensions struct{ Code string }
		}
	}
	call := client.Call{
		Method: http.MethodPost, Path: "/v1/graphql", Body: map[string]any{"query": query, "variables": variables},
	}
	if _, err := as.Do(t.Context(), call, &res); err != nil {
		t.Fatal(err)
	}
	for _, e := range res.Errors {
		errs = append(errs, strings.Trim(fmt.Sprint(e.Path), "[]")+" "+e.Extensions.Code)
	}
	if out != nil {
		if err := json.Unmarshal(res.Data, out); err != nil {
			t.Fatalf("%s, %q: %v", res.Data, errs, err)
		}
	}
	return errs
}

func TestStorefrontByGraphQL(t *testing.T) {
	t.Parallel()
	c := clientOf("greta", "")
	input := map[string]any{
		"items": []any{map[string]any{"sku": "CUP", "quantity": 2}},
		"shippingAddress": map[string]any{
			"name": "Greta", "line1": "1 Street", "city": "Berlin", "postalCode": "10115", "country": "DE",
		},
		"paymentMethod": "pm_card_visa",
	}
	const placing = `mutation($in: OrderRequest!, $key: String!) { placeOrder(input: $in, idempotencyKey: $key) { orderId status } }`
	var placed, again struct {
		PlaceOrder *struct{ OrderID, Status string }
	}
	for _, out := range []any{&placed, &again} {
		if errs := graphql(t, c, placing, map[string]any{"in": input, "key": "greta-1"}, out); errs != nil {
			t.Fatal(errs)
		}
	}
	id := placed.PlaceOrder.OrderID
	if again.PlaceOrder.OrderID != id {
		t.Errorf("the same key placed %s and %s", id, again.PlaceOrder.OrderID)
	}
	input["paymentMethod"] = "pm_card_visa_2"
	errs := graphql(t, c, placing, map[string]any{"in": input, "key": "greta-1"}, nil)
	if !slices.Equal(errs, []string{"placeOrder IdempotencyKeyReused"}) {
		t.Errorf("the key with another order: %q", errs)
	}
	if o, err := c.WaitFinal(t.Context(), id, nil); err != nil || o.Status != "CONFIRMED" {
		t.Fatalf("%+v, %v", o, err)
	}

	type order struct {
		OrderID, Status string
		Items           []struct{ Product *struct{ Name string } }
		Payment         *struct{ Status string }
		Reservations    *struct{ Status string }
		Shipment        *struct{ Status, TrackingNumber string }
	}
	const parts = ` orderId status items { product { name } } payment { status } reservations { status } shipment { status trackingNumber } `
	var page struct{ Orders struct{ Nodes []order } }
	eventually(t, time.Minute, "all services answer in the time of a request", func() error {
		errs := graphql(t, c, `{ orders(first: 20, status: CONFIRMED) { nodes {`+parts+`} } }`, nil, &page)
		if errs != nil {
			return errorf("%q", errs)
		}
		return nil
	})
	i := slices.IndexFunc(page.Orders.Nodes, func(o order) bool { return o.OrderID == id })
	if i < 0 {
		t.Fatalf("the order is not among %+v", page.Orders.Nodes)
	}
	o := page.Orders.Nodes[i]
	if o.Payment == nil || o.Payment.Status != "CAPTURED" ||
		o.Reservations == nil || o.Reservations.Status != "COMMITTED" ||
		o.Shipment == nil || o.Shipment.TrackingNumber == "" ||
		o.Items[0].Product == nil || o.Items[0].Product.Name == "" {
		t.Errorf("%+v", o)
	}

	var none struct{ Order *order }
	if errs := graphql(t, clientOf("mallory", ""), `{ order(orderId: "`+id+`") {`+parts+`} }`, nil, &none); none.Order != nil ||
		!slices.Equal(errs, []string{"order OrderNotFound"}) {
		t.Errorf("another's order: %+v, %q", none.Order, errs)
	}
	var cancelled struct{ CancelOrder *order }
	errs = graphql(t, c, `mutation { cancelOrder(orderId: "`+id+`", idempotencyKey: "greta-2") { status } }`, nil, &cancelled)
	if cancelled.CancelOrder != nil || !slices.Equal(errs, []string{"cancelOrder OrderNotCancellable"}) {
		t.Errorf("cancelling a confirmed order: %+v, %q", cancelled.CancelOrder, errs)
	}
}

func TestOperatorsWorkByGraphQL(t *testing.T) {
	var out struct {
		PutProduct  struct{ Version int }
		AdjustStock *struct{ Available int }
	}
	const q = `mutation { putProduct(sku: "GQL-CUP", input: {name: "Cup", price: {currency: "EUR", amount: 500}, reason: "test"}) { version }
		adjustStock(sku: "GQL-CUP", input: {delta: 4, reason: "test", allowUnknownSku: true}, idempotencyKey: "gql-cup") { available } }`
	errs := graphql(t, operator(), q, nil, &out)
	if errs != nil || out.PutProduct.Version < 1 || out.AdjustStock.Available < 4 {
		t.Fatalf("%+v, %q", out, errs)
	}
	var read struct {
		Product  struct{ Name string }
		Stock    struct{ Available int }
		Products struct {
			Edges []struct {
				Cursor string
				Node   struct{ SKU string }
			}
			PageInfo struct{ HasNextPage bool }
		}
	}
	if errs := graphql(t, operator(), `{ product(sku: "GQL-CUP") { name } stock(sku: "GQL-CUP") { available }
		products(first: 2) { edges { cursor node { sku } } pageInfo { hasNextPage } } }`, nil, &read); errs != nil ||
		read.Product.Name != "Cup" || read.Stock.Available < 4 || len(read.Products.Edges) != 2 {
		t.Fatalf("%+v, %q", read, errs)
	}
	second := read.Products.Edges[1].Node.SKU
	if errs := graphql(t, operator(), `{ products(first: 1, after: "`+read.Products.Edges[0].Cursor+`") { edges { cursor node { sku } } pageInfo { hasNextPage } } }`, nil, &read); errs != nil ||
		len(read.Products.Edges) != 1 || read.Products.Edges[0].Node.SKU != second {
		t.Errorf("after the first: %+v, %q; want %s", read.Products, errs, second)
	}
}
