package e2e_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	v1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
)

// accepting asks for the media type that it sends: API Gateway returns binary only then.
type accepting struct {
	token func(context.Context) (string, error)
}

func (a accepting) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := a.token(r.Context())
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", r.Header.Get("Content-Type"))
	return http.DefaultTransport.RoundTrip(r)
}

func caller(user, role string) *http.Client {
	return &http.Client{Transport: accepting{clientOf(user, role).Token}}
}

func rpcAddress() string { return stack.Outputs["ApiUrl"] + "/v1/rpc" }

func ordersOf(user string, options ...connect.ClientOption) orderflowv1connect.OrderServiceClient {
	return orderflowv1connect.NewOrderServiceClient(caller(user, ""), rpcAddress(), options...)
}

// protocols are those of serve-rpc.
var protocols = map[string][]connect.ClientOption{
	"Connect JSON": {connect.WithProtoJSON()}, "Connect": nil, "gRPC-Web": {connect.WithGRPCWeb()},
}

func rpcOrder() *v1.PlaceOrderRequest {
	postalCode := "10115"
	return &v1.PlaceOrderRequest{
		Items: []*v1.OrderRequestLine{{Sku: "CUP", Quantity: 2}},
		ShippingAddress: &v1.AddressRequest{
			Name: "Renée", Line1: "1 Street", City: "Berlin", PostalCode: &postalCode, Country: "DE",
		},
		PaymentMethod: "pm_card_visa",
	}
}

func withKey(t *testing.T, key string) context.Context {
	ctx, call := connect.NewClientContext(t.Context())
	call.RequestHeader().Set("Idempotency-Key", key)
	return ctx
}

// codeOf returns an error's code and the reason of its ErrorInfo.
func codeOf(err error) string {
	var failed *connect.Error
	if !errors.As(err, &failed) {
		return "none"
	}
	for _, d := range failed.Details() {
		if v, err := d.Value(); err == nil {
			if info, ok := v.(*errdetails.ErrorInfo); ok {
				return failed.Code().String() + " " + info.Reason
			}
		}
	}
	return failed.Code().String()
}

func TestBackendsPlaceReadAndCancelOrdersByRPC(t *testing.T) {
	t.Parallel()
	for name, options := range protocols {
		orders := ordersOf("rosa", options...)
		key := "rpc-" + strings.ReplaceAll(name, " ", "-")
		placed, err := orders.PlaceOrder(withKey(t, key), rpcOrder())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		again, err := orders.PlaceOrder(withKey(t, key), rpcOrder())
		id := placed.Order.OrderId
		if err != nil || again.Order.OrderId != id {
			t.Errorf("%s: the same key placed %s and %v, %v", name, id, again, err)
		}
		other := rpcOrder()
		other.Items[0].Quantity = 3
		if _, err = orders.PlaceOrder(withKey(t, key), other); codeOf(err) != "already_exists IdempotencyKeyReused" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := clientOf("rosa", "").WaitFinal(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		read, err := orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
		if err != nil || read.Order.Status != v1.OrderStatus_ORDER_STATUS_CONFIRMED ||
			read.Order.ShippingAddress.Name != "Renée" {
			t.Errorf("%s: %v %v", name, read, err)
		}
		summary, err := orders.GetOrderSummary(t.Context(), &v1.GetOrderSummaryRequest{OrderId: id})
		if err != nil || summary.Payment.GetStatus() != v1.PaymentStatus_PAYMENT_STATUS_CAPTURED ||
			summary.Shipment.GetTrackingNumber() == "" {
			t.Errorf("%s: %v %v", name, summary, err)
		}
		list, err := orders.ListOrders(t.Context(), &v1.ListOrdersRequest{Limit: proto.Int32(1)})
		if err != nil || len(list.Orders) != 1 || list.Orders[0].OrderId != id {
			t.Errorf("%s: %v %v", name, list, err)
		}
		_, err = orders.CancelOrder(withKey(t, key+"-cancel"), &v1.CancelOrderRequest{OrderId: id})
		if codeOf(err) != "failed_precondition OrderNotCancellable" {
			t.Errorf("%s: cancelled: %v", name, err)
		}
	}
}

func TestRPCRefusesWhatRESTRefuses(t *testing.T) {
	t.Parallel()
	placed, err := ordersOf("rita").PlaceOrder(t.Context(), rpcOrder())
	if err != nil {
		t.Fatal(err)
	}
	id := placed.Order.OrderId
	for name, options := range protocols {
		orders := ordersOf("mallory", options...)
		_, err := orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
		if codeOf(err) != "not_found OrderNotFound" {
			t.Errorf("%s: another's order: %v", name, err)
		}
		_, err = orders.GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: "1"})
		if codeOf(err) != "invalid_argument InvalidRequest" {
			t.Errorf("%s: no id: %v", name, err)
		}
		stock := orderflowv1connect.NewStockServiceClient(caller("mallory", ""), rpcAddress(), options...)
		_, err = stock.AdjustStock(t.Context(), &v1.AdjustStockRequest{Sku: "MUG-BLUE", Delta: 1, Reason: "x"})
		if codeOf(err) != "permission_denied Forbidden" {
			t.Errorf("%s: stock: %v", name, err)
		}
		forged := &http.Client{Transport: accepting{func(context.Context) (string, error) { return "a.b.c", nil }}}
		_, err = orderflowv1connect.NewOrderServiceClient(forged, rpcAddress(), options...).
			GetOrder(t.Context(), &v1.GetOrderRequest{OrderId: id})
		if connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%s: a forged token: %v", name, err)
		}
		invalid := rpcOrder()
		invalid.Items[0].Quantity = 0
		_, err = orders.PlaceOrder(t.Context(), invalid)
		if codeOf(err) != "invalid_argument InvalidRequest" || refusedField(err) != "items[0].quantity" {
			t.Errorf("%s: no quantity: %v in %s", name, err, refusedField(err))
		}
	}
}

// refusedField returns the first field that an error is about.
func refusedField(err error) string {
	var failed *connect.Error
	if errors.As(err, &failed) {
		for _, d := range failed.Details() {
			v, _ := d.Value()
			if bad, ok := v.(*errdetails.BadRequest); ok {
				return bad.FieldViolations[0].Field
			}
		}
	}
	return ""
}

func TestOperatorsWorkByRPC(t *testing.T) {
	products := orderflowv1connect.NewProductServiceClient(caller("olga", "operator"), rpcAddress())
	stock := orderflowv1connect.NewStockServiceClient(caller("olga", "operator"), rpcAddress())
	put, err := products.PutProduct(t.Context(), &v1.PutProductRequest{
		Sku: "RPC-CUP", Name: "A cup", Price: &v1.Money{Currency: "EUR", Amount: 700},
	})
	if err != nil || put.Product.Version != 1 {
		t.Fatal(put, err)
	}
	adjusted, err := stock.AdjustStock(t.Context(), &v1.AdjustStockRequest{
		Sku: "RPC-CUP", Delta: 5, Reason: "delivery", AllowUnknownSku: proto.Bool(true),
	})
	if err != nil || adjusted.Stock.Available != 5 {
		t.Fatal(adjusted, err)
	}
	read, err := products.GetProduct(t.Context(), &v1.GetProductRequest{Sku: "RPC-CUP"})
	if err != nil || read.Product.Price.Amount != 700 {
		t.Error(read, err)
	}
	if left, err := stock.GetStock(t.Context(), &v1.GetStockRequest{Sku: "RPC-CUP"}); err != nil ||
		left.Stock.OnHand != 5 {
		t.Error(left, err)
	}
	page, err := products.ListProducts(t.Context(), &v1.ListProductsRequest{Limit: proto.Int32(1)})
	if err != nil || len(page.Products) != 1 || page.Cursor == nil {
		t.Error(page, err)
	}
}

// send sends a call of GetProduct by hand.
func send(t *testing.T, header map[string]string, body string) (status int, answer string) {
	t.Helper()
	const method = "/orderflow.v1.ProductService/GetProduct"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rpcAddress()+method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	token, err := clientOf("rita", "").Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// mug is the request for a product, in binary.
const mug = "\n\x08MUG-BLUE"

func TestRPCKeepsTheCallersDeadline(t *testing.T) {
	begun := time.Now()
	header := map[string]string{"Content-Type": "application/json", "Connect-Timeout-Ms": "1"}
	status, body := send(t, header, `{"sku":"MUG-BLUE"}`)
	if status != http.StatusGatewayTimeout || !strings.Contains(body, `"deadline_exceeded"`) ||
		time.Since(begun) > 2*time.Second {
		t.Errorf("%d %s after %v", status, body, time.Since(begun))
	}
}

func TestBinaryWithoutAcceptIsRefused(t *testing.T) {
	status, body := send(t, map[string]string{"Content-Type": "application/proto", "Accept": "*/*"}, mug)
	if status != http.StatusBadRequest || !strings.Contains(body, "Accept") {
		t.Errorf("%d %s", status, body)
	}
}

// TestPagesCallByGRPCWebText sends what grpc-web of npm sends from a page.
func TestPagesCallByGRPCWebText(t *testing.T) {
	framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(mug))), mug...)
	status, body := send(t, map[string]string{
		"Content-Type": "application/grpc-web-text", "Accept": "application/grpc-web-text", "X-Grpc-Web": "1",
	}, base64.StdEncoding.EncodeToString(framed))
	answer, err := base64.StdEncoding.DecodeString(body)
	if err != nil || status != http.StatusOK || !strings.Contains(string(answer), "\x08MUG-BLUE") ||
		!strings.Contains(strings.ToLower(string(answer)), "grpc-status: 0") {
		t.Errorf("%d %q, %v", status, answer, err)
	}
}
