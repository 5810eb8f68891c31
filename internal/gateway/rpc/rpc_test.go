package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"

	"connectrpc.com/connect"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
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
	return answer[gateway.Order](ctx, b, as, orderJSON, id)
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
	ctx context.Context, as gateway.Caller, limit int, start gateway.Start,
) (gateway.ProductPage, error) {
	return answer[gateway.ProductPage](ctx, b, as, `{"products":[`+productJSON+`],"cursor":"next"}`, limit, start)
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
		"country":"DE"},"paymentMethod":"pm_card","createdAt":"2026-11-28T10:00:00.5Z","updatedAt":"2026-11-28T10:00:01Z"}`
	paymentJSON = `{"orderId":"` + id + `","status":"CAPTURED","amount":{"currency":"EUR","amount":3998},
		"refundedAmount":{"currency":"EUR","amount":1},"reason":"none","dispute":"OPEN"}`
	reservationsJSON = `{"orderId":"` + id + `","status":"RELEASED","items":[{"sku":"MUG","quantity":2}]}`
	shipmentJSON     = `{"orderId":"` + id + `","status":"REFUSED","trackingNumber":"T1","reason":"too far"}`
	productJSON      = `{"sku":"MUG","name":"A mug","price":{"currency":"EUR","amount":1999},"version":3}`
	stockJSON        = `{"sku":"MUG","onHand":9,"reserved":2,"shipped":5,"available":7}`
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
		res, err := serve(t, b, options...).orders.GetOrder(ctx, &orderflowv1.GetOrderRequest{OrderId: id})
		if err != nil || res.Order.Total.Amount != 3998 ||
			res.Order.Status != orderflowv1.OrderStatus_ORDER_STATUS_REJECTED {
			t.Errorf("%s: %v %v", name, res, err)
		}
		if b.as.Authorization != "Bearer alice" {
			t.Errorf("%s: called as %+v", name, b.as)
		}
	}
}

func TestFunctionsHaveNoStreams(t *testing.T) {
	stream, err := serve(t, &backends{}).orders.WatchOrder(t.Context(), &orderflowv1.WatchOrderRequest{OrderId: id})
	if err != nil {
		t.Fatal(err)
	}
	var failed *connect.Error
	if stream.Receive() || !errors.As(stream.Err(), &failed) || failed.Code() != connect.CodeUnimplemented {
		t.Error(stream.Err())
	}
}
