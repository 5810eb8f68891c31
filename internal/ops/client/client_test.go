package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"orderflow/api"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// request is a request that a server received.
type request struct {
	Method, URI, Body  string
	Authorization, Key string
	ContentType        string
}

// against returns a client of a server that gives every request the same response, and the server's
// last request.
func against(t *testing.T, status int, header map[string]string, body string) (*client.Client, *request) {
	last := &request{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*last = request{
			Method: r.Method, URI: r.RequestURI, Body: string(b), Authorization: r.Header.Get("Authorization"),
			Key: r.Header.Get("Idempotency-Key"), ContentType: r.Header.Get("Content-Type"),
		}
		for name, v := range header {
			w.Header().Set(name, v)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return &client.Client{BaseURL: server.URL + "/", Token: token("secret")}, last
}

func token(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

// example returns an example in the contract as JSON.
func example(t *testing.T, name string) string {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec())
	if err != nil {
		t.Fatal(err)
	}
	if doc.Components.Examples[name] == nil {
		t.Fatalf("the contract has no example %s", name)
	}
	b, err := json.Marshal(doc.Components.Examples[name].Value.Value)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var mug = money.Money{Currency: "EUR", Amount: 1999}

// Each method sends the request of its operation and returns the example response with all members.
func TestOperations(t *testing.T) {
	place := client.OrderRequest{
		Items: []client.Item{{SKU: "MUG-BLUE", Quantity: 2}, {SKU: "TEA-EARL-GREY", Quantity: 1}},
		ShippingAddress: client.Address{
			Name: "Ada Lovelace", Line1: "12 St James Square", City: "Berlin", PostalCode: "10115", Country: "DE",
		},
		PaymentMethod: "pm_card_visa",
	}
	for name, c := range map[string]struct {
		call         func(context.Context, *client.Client) (any, error)
		method, uri  string
		key          string
		body, answer string // examples
	}{
		"place order": {func(ctx context.Context, c *client.Client) (any, error) {
			return c.PlaceOrder(ctx, "k1", place)
		},
			"POST", "/v1/orders", "k1", "PlaceOrderRequest", "OrderPending"},
		"get order": {func(ctx context.Context, c *client.Client) (any, error) { return c.GetOrder(ctx, order) },
			"GET", "/v1/orders/" + order, "", "", "OrderRejected"},
		"list orders": {func(ctx context.Context, c *client.Client) (any, error) { return c.ListOrders(ctx, 5, "a/b") },
			"GET", "/v1/orders?cursor=a%2Fb&limit=5", "", "", "OrderList"},
		"cancel order": {func(ctx context.Context, c *client.Client) (any, error) {
			return c.CancelOrder(ctx, "k2", order, "")
		},
			"POST", "/v1/orders/" + order + "/cancel", "k2", "", "OrderCancelled"},
		"summary": {func(ctx context.Context, c *client.Client) (any, error) { return c.Summary(ctx, order) },
			"GET", "/v1/orders/" + order + "/summary", "", "", "SummaryPartial"},
		"payment": {func(ctx context.Context, c *client.Client) (any, error) { return c.Payment(ctx, order) },
			"GET", "/v1/payments/order/" + order, "", "", "PaymentDeclined"},
		"reservations": {func(ctx context.Context, c *client.Client) (any, error) { return c.Reservations(ctx, order) },
			"GET", "/v1/reservations/order/" + order, "", "", "ReservationsReserved"},
		"shipment": {func(ctx context.Context, c *client.Client) (any, error) { return c.Shipment(ctx, order) },
			"GET", "/v1/shipments/order/" + order, "", "", "ShipmentBooked"},
		"put product": {func(ctx context.Context, c *client.Client) (any, error) {
			text, image, category := "Holds 300 ml.", "https://shop.example/mug-blue.jpg", "Mugs"
			return c.PutProduct(ctx, "MUG-BLUE", client.ProductValues{
				Name: "Blue mug", Price: mug, Text: &text, ImageURL: &image, Category: &category, Unlisted: new(bool),
			})
		}, "PUT", "/v1/products/MUG-BLUE", "", "PutProductRequest", "ProductMug"},
		"get product": {func(ctx context.Context, c *client.Client) (any, error) { return c.GetProduct(ctx, "a/b c") },
			"GET", "/v1/products/a%2Fb%20c", "", "", "ProductMug"},
		"list products": {func(ctx context.Context, c *client.Client) (any, error) {
			return c.ListProducts(ctx, 0, "", "blue m&")
		},
			"GET", "/v1/products?name=blue+m%26", "", "", "ProductList"},
		"availability": {func(ctx context.Context, c *client.Client) (any, error) {
			found, err := c.ListAvailability(ctx, "MUG-BLUE", "TEA-EARL-GREY")
			return map[string]any{"availability": found}, err
		}, "GET", "/v1/availability?skus=MUG-BLUE%2CTEA-EARL-GREY", "", "", "AvailabilityList"},
		"get stock": {func(ctx context.Context, c *client.Client) (any, error) { return c.GetStock(ctx, "MUG-BLUE") },
			"GET", "/v1/stock/MUG-BLUE", "", "", "StockMug"},
		"adjust stock": {func(ctx context.Context, c *client.Client) (any, error) {
			return c.AdjustStock(ctx, "k3", "MUG-BLUE", client.Adjustment{Delta: 100, Reason: "Delivery 4711"})
		}, "POST", "/v1/stock/MUG-BLUE/adjustments", "k3", "AdjustStockRequest", "StockMug"},
	} {
		t.Run(name, func(t *testing.T) {
			want := example(t, c.answer)
			api, last := against(t, 200, nil, want)
			got, err := c.call(t.Context(), api)
			if err != nil {
				t.Fatal(err)
			}
			sent := *last
			if sent.Method != c.method || sent.URI != c.uri || sent.Key != c.key ||
				sent.Authorization != "Bearer secret" {
				t.Errorf("sent %+v, want %s %s with key %q", sent, c.method, c.uri, c.key)
			}
			if c.body == "" && (sent.Body != "" || sent.ContentType != "") {
				t.Errorf("sent the body %s", sent.Body)
			}
			if c.body != "" {
				requireSame(t, "body", sent.Body, example(t, c.body))
			}
			b, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			requireSame(t, "answer", string(b), want)
		})
	}
}

// requireSame compares JSON documents; a null member equals an absent one.
func requireSame(t *testing.T, what, got, want string) {
	t.Helper()
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(want), &w)); err != nil {
		t.Fatal(err)
	}
	noNulls := cmp.FilterPath(func(p cmp.Path) bool {
		m, ok := p.Last().(cmp.MapIndex)
		if !ok {
			return false
		}
		x, y := m.Values()
		return (!x.IsValid() || x.IsNil()) && (!y.IsValid() || y.IsNil())
	}, cmp.Ignore())
	if diff := cmp.Diff(w, g, noNulls); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestNilAndEmptyTokensAreNotSent(t *testing.T) {
	c, last := against(t, 200, nil, "{}")
	for _, none := range []func(context.Context) (string, error){nil, token("")} {
		c.Token = none
		if _, err := c.GetOrder(t.Context(), order); err != nil || last.Authorization != "" {
			t.Errorf("%q, %v", last.Authorization, err)
		}
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	c, last := against(t, 200, nil, "{}")
	gone := errors.New("no stack is running")
	c.Token = func(context.Context) (string, error) { return "", gone }
	if _, err := c.GetOrder(t.Context(), order); !errors.Is(err, gone) || last.Method != "" {
		t.Errorf("%v, sent %q", err, last.Method)
	}
}

func TestProblemDocumentIsTheError(t *testing.T) {
	c, _ := against(t, 400, nil, example(t, "InvalidRequest"))
	_, err := c.GetOrder(t.Context(), order)
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 400 || p.Code != "InvalidRequest" || len(p.Errors) != 2 || p.Temporary() {
		t.Fatalf("%#v", err)
	}
	const want = "400 Bad Request (InvalidRequest): The request does not match the contract.; " +
		"/items/0/quantity must be at least 1; limit must be at most 100"
	if p.Error() != want {
		t.Errorf("%s, want %s", p, want)
	}
}

func TestChangedTotalIsReadFromTheProblem(t *testing.T) {
	c, _ := against(t, 409, nil, example(t, "TotalChanged"))
	_, err := c.PlaceOrder(t.Context(), "", client.OrderRequest{ExpectedTotal: &mug})
	var p *client.Problem
	if !errors.As(err, &p) || p.Code != "TotalChanged" || p.Total == nil || p.Total.Amount != 4797 || p.Temporary() {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestErrorWithoutAProblemDocumentIsAProblem(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"Internal server error"}`: `502 Bad Gateway: {"message":"Internal server error"}`,
		"<html>\n <b>no</b>\n</html>":         "502 Bad Gateway: <html> <b>no</b> </html>",
		"":                                    "502 Bad Gateway",
		`[]`:                                  "502 Bad Gateway: []",
		strings.Repeat("ä", 300):              "502 Bad Gateway: " + strings.Repeat("ä", 199) + "…",
		`{"code":"Unavailable","status":418}`: "502 Bad Gateway (Unavailable)",
		`{"title":"Oops","code":7}`:           `502 Bad Gateway: {"title":"Oops","code":7}`,
	} {
		c, _ := against(t, 502, map[string]string{"Retry-After": "3"}, body)
		_, err := c.GetOrder(t.Context(), order)
		var p *client.Problem
		if !errors.As(err, &p) || p.Error() != want || p.Status != 502 || !p.Temporary() ||
			p.RetryAfter != 3*time.Second || string(p.Body) != body {
			t.Errorf("%s: %v %+v", body, err, p)
		}
	}
}

func TestResponseOutsideTheContractIsAnError(t *testing.T) {
	c, _ := against(t, 200, nil, "<html>")
	_, err := c.GetOrder(t.Context(), order)
	var p *client.Problem
	if err == nil || errors.As(err, &p) {
		t.Errorf("%v", err)
	}
}

func TestDoReturnsTheHeader(t *testing.T) {
	c, _ := against(t, 202, map[string]string{"Idempotent-Replayed": "true"}, "ignored")
	header, err := c.Do(t.Context(), client.Call{Method: "POST", Path: "/v1/orders"}, nil)
	if err != nil || header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%v, %v", header, err)
	}
}

func TestFailedPartsOfASummary(t *testing.T) {
	c, _ := against(t, 200, nil, example(t, "SummaryPartial"))
	s, err := c.Summary(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if p := client.PartFailed(s.Payment); p == nil || p.Code != "Unavailable" {
		t.Errorf("payment: %+v", p)
	}
	if p := client.PartFailed(s.Order); p != nil {
		t.Errorf("order: %+v", p)
	}
}
