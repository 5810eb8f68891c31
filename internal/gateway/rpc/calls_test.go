package rpc_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	v1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// with returns a context with metadata, given as names and values.
func with(ctx context.Context, metadata ...string) context.Context {
	ctx, call := connect.NewClientContext(ctx)
	for i := 0; i < len(metadata); i += 2 {
		call.RequestHeader().Add(metadata[i], metadata[i+1])
	}
	return ctx
}

func TestEveryFieldOfARequestReachesTheServices(t *testing.T) {
	b := &backends{}
	c := serve(t, b)
	ctx := with(t.Context(), "Authorization", "Bearer alice", "Idempotency-Key", "k-1")
	text := func(s string) *string { return &s }
	price := &v1.Money{Currency: "EUR", Amount: 3_000_000_000}
	amount := money.Money{Currency: "EUR", Amount: 3_000_000_000}
	for name, call := range map[string]struct {
		do   func() (any, error)
		want []any
	}{
		"PlaceOrder": {func() (any, error) {
			return c.orders.PlaceOrder(ctx, &v1.PlaceOrderRequest{
				Items: []*v1.OrderRequestLine{{Sku: "MUG", Quantity: 2}},
				ShippingAddress: &v1.AddressRequest{
					Name: "Ada", Line1: "1 St", Line2: text("Flat 2"), City: "Berlin", Region: text("BE"),
					PostalCode: text("10115"), Country: "DE",
				},
				PaymentMethod: "pm", ExpectedTotal: price,
			})
		}, []any{gateway.OrderRequest{
			Items: []gateway.OrderRequestLine{{SKU: "MUG", Quantity: 2}},
			ShippingAddress: gateway.AddressRequest{Name: "Ada", Line1: "1 St", Line2: text("Flat 2"), City: "Berlin",
				Region: text("BE"), PostalCode: text("10115"), Country: "DE"},
			PaymentMethod: "pm", ExpectedTotal: &amount,
		}}},
		"PlaceOrder, empty": {func() (any, error) { return c.orders.PlaceOrder(ctx, &v1.PlaceOrderRequest{}) },
			[]any{gateway.OrderRequest{Items: []gateway.OrderRequestLine{}}}},
		"GetOrder": {func() (any, error) {
			return c.orders.GetOrder(ctx, &v1.GetOrderRequest{OrderId: id})
		}, []any{id}},
		"ListOrders": {func() (any, error) {
			return c.orders.ListOrders(ctx, &v1.ListOrdersRequest{Limit: proto.Int32(0), Cursor: text("next"),
				Status: v1.OrderStatus_ORDER_STATUS_NEEDS_ATTENTION})
		}, []any{gateway.OrderList{Start: gateway.Start{Cursor: "next"}, Status: "NEEDS_ATTENTION"}}},
		"ListOrders, all": {func() (any, error) { return c.orders.ListOrders(ctx, &v1.ListOrdersRequest{}) },
			[]any{gateway.OrderList{Limit: 20}}},
		"ListOrders, unknown status": {func() (any, error) {
			return c.orders.ListOrders(ctx, &v1.ListOrdersRequest{Status: 99})
		}, []any{gateway.OrderList{Limit: 20, Status: "99"}}},
		"CancelOrder": {func() (any, error) {
			return c.orders.CancelOrder(ctx, &v1.CancelOrderRequest{OrderId: id, Reason: text("why")})
		}, []any{id, gateway.CancelRequest{Reason: text("why")}}},
		"GetProduct": {func() (any, error) {
			return c.products.GetProduct(ctx, &v1.GetProductRequest{Sku: "MUG"})
		}, []any{"MUG"}},
		"ListProducts": {func() (any, error) {
			return c.products.ListProducts(ctx, &v1.ListProductsRequest{Limit: proto.Int32(7), Cursor: text("next")})
		}, []any{gateway.ProductList{Limit: 7, Start: gateway.Start{Cursor: "next"}}}},
		"PutProduct": {func() (any, error) {
			in := &v1.PutProductRequest{Sku: "MUG", Name: "A mug", Price: price, Reason: text("why")}
			return c.products.PutProduct(ctx, in)
		}, []any{"MUG", gateway.ProductRequest{Name: "A mug", Price: amount, Reason: text("why")}}},
		"GetStock": {func() (any, error) {
			return c.stock.GetStock(ctx, &v1.GetStockRequest{Sku: "MUG"})
		}, []any{"MUG"}},
		"AdjustStock": {func() (any, error) {
			in := &v1.AdjustStockRequest{Sku: "MUG", Delta: -3, Reason: "count", AllowUnknownSku: proto.Bool(true)}
			return c.stock.AdjustStock(ctx, in)
		}, []any{"MUG", gateway.StockAdjustment{Delta: -3, Reason: "count", AllowUnknownSKU: proto.Bool(true)}}},
	} {
		b.calls = nil
		if _, err := call.do(); err != nil || !reflect.DeepEqual(b.calls, call.want) ||
			b.as.Authorization != "Bearer alice" {
			t.Errorf("%s: %+v as %+v, %v; want %+v", name, b.calls, b.as, err, call.want)
		}
		writes := strings.HasPrefix(name, "PlaceOrder") || name == "CancelOrder" || name == "AdjustStock"
		if writes != (b.as.IdempotencyKey == "k-1") {
			t.Errorf("%s: key %q", name, b.as.IdempotencyKey)
		}
	}
}

func TestAddressesAndHeadersAreCheckedBeforeAnyCall(t *testing.T) {
	b := &backends{}
	c := serve(t, b)
	orders, ctx := c.orders, t.Context()
	long := strings.Repeat("k", 256)
	for field, calls := range map[string][]func() error{
		"order_id": {
			func() error {
				_, err := orders.GetOrder(ctx, &v1.GetOrderRequest{OrderId: "../stock"})
				return err
			},
			func() error { _, err := orders.CancelOrder(ctx, &v1.CancelOrderRequest{}); return err },
			func() error {
				_, err := orders.GetOrderSummary(ctx, &v1.GetOrderSummaryRequest{OrderId: "1"})
				return err
			},
		},
		"sku": {
			func() error {
				_, err := c.products.GetProduct(ctx, &v1.GetProductRequest{Sku: "a/b"})
				return err
			},
			func() error { _, err := c.products.PutProduct(ctx, &v1.PutProductRequest{}); return err },
			func() error { _, err := c.stock.GetStock(ctx, &v1.GetStockRequest{Sku: ".."}); return err },
			func() error {
				_, err := c.stock.AdjustStock(ctx, &v1.AdjustStockRequest{Sku: "a b"})
				return err
			},
		},
		"idempotency-key": {
			func() error {
				_, err := orders.PlaceOrder(with(ctx, "Idempotency-Key", "a b"), &v1.PlaceOrderRequest{})
				return err
			},
			func() error {
				_, err := orders.PlaceOrder(with(ctx, "Idempotency-Key", ""), &v1.PlaceOrderRequest{})
				return err
			},
			func() error {
				two := with(ctx, "Idempotency-Key", "a", "Idempotency-Key", "b")
				_, err := orders.CancelOrder(two, &v1.CancelOrderRequest{OrderId: id})
				return err
			},
			func() error {
				_, err := c.stock.AdjustStock(with(ctx, "Idempotency-Key", long), &v1.AdjustStockRequest{Sku: "MUG"})
				return err
			},
			func() error {
				_, err := orders.PlaceOrder(with(ctx, "Idempotency-Key", "4111111111111111"), &v1.PlaceOrderRequest{})
				return err
			},
		},
	} {
		for i, call := range calls {
			got := read(t, call())
			if got.code != connect.CodeInvalidArgument || len(got.fields) != 1 ||
				!strings.HasPrefix(got.fields[0], field+": ") {
				t.Errorf("%s %d: %+v", field, i, got)
			}
		}
	}
	if len(b.calls) > 0 {
		t.Errorf("called: %v", b.calls)
	}
}

func TestMessagesAreAtMost64KiB(t *testing.T) {
	b := &backends{}
	in := &v1.PlaceOrderRequest{PaymentMethod: strings.Repeat("a", 64<<10)}
	for name, options := range map[string][]connect.ClientOption{"plain": nil, "compressed": {connect.WithSendGzip()}} {
		_, err := serve(t, b, options...).orders.PlaceOrder(t.Context(), in)
		if connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(b.calls) > 0 {
		t.Error("called")
	}
}

func TestAFailedPartDoesNotFailTheRestOfTheSummary(t *testing.T) {
	b := &backends{parts: map[gateway.Backend]error{
		gateway.Payments: errors.New("dial tcp: secret"),
		gateway.Shipping: fault.New(fault.NotFound, "ShipmentNotFound", "none yet"),
	}}
	orders, in := serve(t, b).orders, &v1.GetOrderSummaryRequest{OrderId: id}
	out, err := orders.GetOrderSummary(with(t.Context(), "Authorization", "Bearer alice"), in)
	if err != nil {
		t.Fatal(err)
	}
	if out.Order == nil || out.OrderError != nil || out.Reservations == nil || out.Payment != nil ||
		out.Shipment != nil ||
		out.PaymentError.Code != gateway.Unavailable ||
		out.ShipmentError.Code != "ShipmentNotFound" {
		t.Error(protojson.Format(out))
	}
	if strings.Contains(protojson.Format(out), "secret") || b.as.Authorization != "Bearer alice" {
		t.Errorf("%s as %+v", protojson.Format(out), b.as)
	}
	b.parts = map[gateway.Backend]error{gateway.Orders: fault.New(fault.NotFound, "OrderNotFound", "none")}
	if _, err := orders.GetOrderSummary(t.Context(), in); read(t, err).reason != "OrderNotFound" {
		t.Error(err)
	}
}

// slow calls a method whose service hangs, with a header, and returns the code and the time.
func slow(t *testing.T, name, value string) (code string, took time.Duration) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, orderflowv1connect.OrderServiceGetOrderProcedure,
		strings.NewReader(`{"orderId":"`+id+`"}`))
	r.Header.Set("Content-Type", "application/json")
	if name != "" {
		r.Header.Set(name, value)
	}
	if strings.HasPrefix(name, "Grpc") {
		message, err := proto.Marshal(&v1.GetOrderRequest{OrderId: id})
		if err != nil {
			t.Fatal(err)
		}
		r.Body = io.NopCloser(strings.NewReader("\x00\x00\x00\x00" + string(rune(len(message))) + string(message)))
		r.Header.Set("Content-Type", "application/grpc-web")
	}
	w := httptest.NewRecorder()
	begun := time.Now()
	rpc.New(&backends{hangs: true}, nil).ServeHTTP(w, r)
	return w.Body.String() + w.Header().Get("Grpc-Status"), time.Since(begun)
}

func TestASlowServiceIsDeadlineExceededInTime(t *testing.T) {
	for _, c := range []struct {
		name, value, code string
		least, most       time.Duration
	}{
		{"", "", "deadline_exceeded", 2500 * time.Millisecond, 2500 * time.Millisecond},
		{"Connect-Timeout-Ms", "400", "deadline_exceeded", 390 * time.Millisecond, 400 * time.Millisecond},
		{"Connect-Timeout-Ms", "60000", "deadline_exceeded", 2500 * time.Millisecond, 2500 * time.Millisecond},
		{"Grpc-Timeout", "400m", "4", 390 * time.Millisecond, 400 * time.Millisecond},
		{"Grpc-Timeout", "1H", "4", 2500 * time.Millisecond, 2500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			code, took := slow(t, c.name, c.value)
			if !strings.Contains(code, c.code) || took < c.least || took > c.most {
				t.Errorf("%s %s: %s after %v", c.name, c.value, code, took)
			}
		})
	}
}
