package rpc_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/rpc"
)

const id = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// backends answer every call with what their fields say, and record it.
type backends struct {
	gateway.Shop
	err    error
	hangs  bool
	panics bool
	order  string
	parts  map[gateway.Backend]error

	mu    sync.Mutex
	calls []any
	as    gateway.Caller
}

// answer decodes an example of the REST contract as a service would send it.
func answer[T any](ctx context.Context, b *backends, as gateway.Caller, example string, args ...any) (v T, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.as, b.calls = as, append(b.calls, args...)
	switch {
	case b.panics:
		panic("a defect")
	case b.hangs:
		<-ctx.Done()
		return v, ctx.Err()
	case b.err != nil:
		return v, b.err
	}
	return v, json.Unmarshal([]byte(example), &v)
}

func (b *backends) Order(ctx context.Context, as gateway.Caller, id string) (gateway.Order, error) {
	return answer[gateway.Order](ctx, b, as, cmp.Or(b.order, orderJSON), id)
}

func (b *backends) Orders(ctx context.Context, as gateway.Caller, list gateway.OrderList) (gateway.OrderPage, error) {
	return answer[gateway.OrderPage](ctx, b, as, `{"orders":[`+orderJSON+`],"cursor":"next"}`, list)
}

func (b *backends) PlaceOrder(ctx context.Context, as gateway.Caller, in gateway.OrderRequest) (gateway.Order, error) {
	return answer[gateway.Order](ctx, b, as, orderJSON, in)
}

func (b *backends) CancelOrder(
	ctx context.Context, as gateway.Caller, id string, in gateway.CancelRequest,
) (gateway.Order, error) {
	return answer[gateway.Order](ctx, b, as, orderJSON, id, in)
}

func (b *backends) Product(ctx context.Context, as gateway.Caller, sku string) (gateway.Product, error) {
	return answer[gateway.Product](ctx, b, as, productJSON, sku)
}

func (b *backends) Products(
	ctx context.Context, as gateway.Caller, list gateway.ProductList,
) (gateway.ProductPage, error) {
	return answer[gateway.ProductPage](ctx, b, as, `{"products":[`+productJSON+`],"cursor":"next"}`, list)
}

func (b *backends) PutProduct(
	ctx context.Context, as gateway.Caller, sku string, in gateway.ProductRequest,
) (gateway.Product, error) {
	return answer[gateway.Product](ctx, b, as, productJSON, sku, in)
}

func (b *backends) Stock(ctx context.Context, as gateway.Caller, sku string) (gateway.Stock, error) {
	return answer[gateway.Stock](ctx, b, as, stockJSON, sku)
}

func (b *backends) AdjustStock(
	ctx context.Context, as gateway.Caller, sku string, in gateway.StockAdjustment,
) (gateway.Stock, error) {
	return answer[gateway.Stock](ctx, b, as, stockJSON, sku, in)
}

func (b *backends) Get(_ context.Context, part gateway.Backend, _, authorization string) (json.RawMessage, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.as = gateway.Caller{Authorization: authorization}
	return json.RawMessage(map[gateway.Backend]string{
		gateway.Orders: orderJSON, gateway.Payments: paymentJSON, gateway.Inventory: reservationsJSON,
		gateway.Shipping: shipmentJSON,
	}[part]), b.parts[part]
}

const (
	orderJSON = `{"orderId":"` + id + `","status":"REJECTED","reason":"OUT_OF_STOCK","items":[{"sku":"MUG","quantity":2,
		"unitPrice":{"currency":"EUR","amount":1999}}],"total":{"currency":"EUR","amount":3998},"shippingAddress":{
		"name":"Ada","line1":"1 Sample Street","line2":"Flat 2","city":"Berlin","region":"BE","postalCode":"10115",
		"country":"DE"},"paymentMethod":"pm_card","waitedFor":"CARRIER",
		"shortages":[{"sku":"MUG","missing":1}],"cancelRequested":true,
		"nextAction":{"type":"AUTHENTICATE","url":"https://bank.example/1","until":"2026-11-28T10:10:00Z"},
		"trackingNumber":"T-1","trackingUrl":"https://carrier.example/T-1",
		"progress":[{"step":"PLACED","at":"2026-11-28T10:00:00.5Z"}],"version":2,"changes":[
		{"version":2,"status":"REJECTED","reason":"OUT_OF_STOCK","at":"2026-11-28T10:00:01Z"}],
		"createdAt":"2026-11-28T10:00:00.5Z","updatedAt":"2026-11-28T10:00:01Z"}`
	paymentJSON = `{"orderId":"` + id + `","status":"CAPTURED","amount":{"currency":"EUR","amount":3998},
		"refundedAmount":{"currency":"EUR","amount":1},"reason":"none","dispute":"OPEN"}`
	reservationsJSON = `{"orderId":"` + id + `","status":"RELEASED","items":[{"sku":"MUG","quantity":2}]}`
	shipmentJSON     = `{"orderId":"` + id + `","status":"REFUSED","trackingNumber":"T1","reason":"too far"}`
	productJSON      = `{"sku":"MUG","name":"A mug","price":{"currency":"EUR","amount":1999},"text":"For tea",
		"imageUrl":"https://shop.example/mug.jpg","category":"Mugs","unlisted":true,"version":3}`
	stockJSON = `{"sku":"MUG","onHand":9,"reserved":2,"shipped":5,"available":7,"moving":true}`
)

// clients are those of a served contract.
type clients struct {
	orders   orderflowv1connect.OrderServiceClient
	products orderflowv1connect.ProductServiceClient
	stock    orderflowv1connect.StockServiceClient
}

func serve(t *testing.T, b *backends, options ...connect.ClientOption) clients {
	t.Helper()
	server := httptest.NewServer(rpc.New(b, nil))
	t.Cleanup(server.Close)
	return clients{
		orderflowv1connect.NewOrderServiceClient(server.Client(), server.URL, options...),
		orderflowv1connect.NewProductServiceClient(server.Client(), server.URL, options...),
		orderflowv1connect.NewStockServiceClient(server.Client(), server.URL, options...),
	}
}

func TestProtocolsAnswerAlike(t *testing.T) {
	for name, options := range map[string][]connect.ClientOption{
		"Connect": nil, "Connect JSON": {connect.WithProtoJSON()}, "gRPC-Web": {connect.WithGRPCWeb()},
		"gRPC-Web JSON": {connect.WithGRPCWeb(), connect.WithProtoJSON()},
	} {
		b := &backends{}
		ctx, call := connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Authorization", "Bearer alice")
		res, err := serve(t, b, options...).orders.GetOrder(ctx, &v1.GetOrderRequest{OrderId: id})
		if err != nil || res.Order.Total.Amount != 3998 ||
			res.Order.Status != v1.OrderStatus_ORDER_STATUS_REJECTED {
			t.Errorf("%s: %v %v", name, res, err)
		}
		if b.as.Authorization != "Bearer alice" {
			t.Errorf("%s: called as %+v", name, b.as)
		}
	}
}

// TestEveryFieldOfAnAnswerIsHandedOn relies on the examples above, which have every field.
func TestEveryFieldOfAnAnswerIsHandedOn(t *testing.T) {
	c, ctx := serve(t, &backends{}), t.Context()
	summary, err := c.orders.GetOrderSummary(ctx, &v1.GetOrderSummaryRequest{OrderId: id})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := c.orders.ListOrders(ctx, &v1.ListOrdersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	products, err := c.products.ListProducts(ctx, &v1.ListProductsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	stock, err := c.stock.GetStock(ctx, &v1.GetStockRequest{Sku: "MUG"})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []proto.Message{
		summary.Order, summary.Payment, summary.Reservations, summary.Shipment, orders, products, stock,
	} {
		whole(t, m.ProtoReflect())
	}
	o := summary.Order
	if at := o.CreatedAt.AsTime(); at.Nanosecond() != 500_000_000 || at.Year() != 2026 {
		t.Errorf("created at %v", at)
	}
	if o.GetReason() != "OUT_OF_STOCK" || o.Items[0].Quantity != 2 || o.Items[0].UnitPrice.Amount != 1999 ||
		o.ShippingAddress.GetLine2() != "Flat 2" || o.Changes[0].Version != 2 ||
		summary.Payment.RefundedAmount.Amount != 1 || stock.Stock.OnHand != 9 || stock.Stock.Available != 7 {
		t.Error(summary, stock)
	}
}

// whole asserts that every field of a message is set.
func whole(t *testing.T, m protoreflect.Message) {
	t.Helper()
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch v := m.Get(f); {
		case !m.Has(f):
			t.Errorf("%s is not set", f.FullName())
		case f.IsList() && f.Message() != nil:
			for j := range v.List().Len() {
				whole(t, v.List().Get(j).Message())
			}
		case f.Message() != nil && f.Message().FullName() != "google.protobuf.Timestamp":
			whole(t, v.Message())
		}
	}
}

func TestValuesFromANewerServiceAreUnspecified(t *testing.T) {
	b := &backends{
		order: strings.NewReplacer("REJECTED", "PAUSED", "2026-11-28T10:00:00.5Z", "soon").Replace(orderJSON),
	}
	res, err := serve(t, b).orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
	if err != nil || res.Order.Status != v1.OrderStatus_ORDER_STATUS_UNSPECIFIED ||
		res.Order.CreatedAt != nil {
		t.Error(res, err)
	}
}

func TestFunctionsHaveNoStreams(t *testing.T) {
	stream, err := serve(t, &backends{}).orders.WatchOrder(t.Context(), &v1.WatchOrderRequest{OrderId: id})
	if err != nil {
		t.Fatal(err)
	}
	var failed *connect.Error
	if stream.Receive() || !errors.As(stream.Err(), &failed) || failed.Code() != connect.CodeUnimplemented {
		t.Error(stream.Err())
	}
}
