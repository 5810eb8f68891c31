package e2e_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/dev/faultserver"
	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/gateway/services"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbound"
)

const (
	orderService = "/orderflow.v1.OrderService/"
	unanswered   = "99999" // the carrier never answers an order to this postal code
)

// dial connects grpc-go, the most common client.
func dial(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bearing returns a context with a user's token and other metadata.
func bearing(t *testing.T, user string, more ...string) context.Context {
	t.Helper()
	token, err := stack.Token(t.Context(), user, "")
	if err != nil {
		t.Fatal(err)
	}
	return metadata.AppendToOutgoingContext(t.Context(), append(more, "authorization", "Bearer "+token)...)
}

// watchOrder watches an order after a version. next returns the next one, and an error at the end.
func watchOrder(
	t *testing.T, ctx context.Context, conn *grpc.ClientConn, id string, after int64,
) (next func() (*orderflowv1.Order, error)) {
	t.Helper()
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, orderService+"WatchOrder")
	if err == nil {
		err = stream.SendMsg(&orderflowv1.WatchOrderRequest{OrderId: id, AfterVersion: after})
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() (*orderflowv1.Order, error) {
		var res orderflowv1.WatchOrderResponse
		err := stream.RecvMsg(&res)
		return res.Order, err
	}
}

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// pending places an order that stays pending.
func pending(t *testing.T, c *client.Client) client.Order {
	t.Helper()
	in := order("CUP", 1, "pm_card_visa")
	in.ShippingAddress.PostalCode = unanswered
	return place(t, c, in)
}

func TestAnOrderByNativeGRPC(t *testing.T) {
	t.Parallel()
	conn := dial(t, stack.GRPCTarget)
	in := &orderflowv1.PlaceOrderRequest{
		Items:           []*orderflowv1.OrderRequestLine{{Sku: "CUP", Quantity: 2}},
		ShippingAddress: &orderflowv1.AddressRequest{Name: "Grace", Line1: "1 Street", City: "Dublin", Country: "IE"},
		PaymentMethod:   "pm_card_visa",
	}
	code := "D02 AF30"
	in.ShippingAddress.PostalCode = &code
	var placed, again orderflowv1.PlaceOrderResponse
	for _, out := range []*orderflowv1.PlaceOrderResponse{&placed, &again} {
		if err := conn.Invoke(bearing(t, "grace", "idempotency-key", "grace-1"), orderService+"PlaceOrder", in,
			out); err != nil {
			t.Fatal(err)
		}
	}
	id := placed.Order.OrderId
	if again.Order.OrderId != id || placed.Order.Version != 1 {
		t.Errorf("the same key placed %s and %s, version %d", id, again.Order.OrderId, placed.Order.Version)
	}

	watched, err := []*orderflowv1.Order{}, error(nil)
	for next := watchOrder(t, bearing(t, "grace"), conn, id, 0); err == nil; {
		var o *orderflowv1.Order
		if o, err = next(); err == nil {
			watched = append(watched, o)
		}
	}
	if len(watched) == 0 {
		t.Fatalf("the watch ended with %v before an order came", err)
	}
	last := watched[len(watched)-1]
	if !errors.Is(err, io.EOF) || last.Status != orderflowv1.OrderStatus_ORDER_STATUS_CONFIRMED ||
		last.Version != int64(len(watched)) || len(last.Changes) != len(watched) {
		t.Errorf("the watch ended with %v after %v", err, watched)
	}
	resumed, err := watchOrder(t, bearing(t, "grace"), conn, id, last.Version-1)()
	if err != nil || resumed.Version != last.Version {
		t.Errorf("resumed with %v, %v", resumed, err)
	}
	var summary orderflowv1.GetOrderSummaryResponse
	if err := conn.Invoke(bearing(t, "grace"), orderService+"GetOrderSummary",
		&orderflowv1.GetOrderSummaryRequest{OrderId: id}, &summary); err != nil ||
		summary.Payment.GetStatus() != orderflowv1.PaymentStatus_PAYMENT_STATUS_CAPTURED {
		t.Errorf("summary %v, %v", &summary, err)
	}

	get := func(ctx context.Context, id string) error {
		return conn.Invoke(ctx, orderService+"GetOrder", &orderflowv1.GetOrderRequest{OrderId: id},
			&orderflowv1.GetOrderResponse{})
	}
	wantCode(t, get(metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer nonsense"), id),
		codes.Unauthenticated)
	wantCode(t, get(t.Context(), id), codes.Unauthenticated)
	wantCode(t, get(bearing(t, "mallory"), id), codes.NotFound)
	_, err = watchOrder(t, bearing(t, "mallory"), conn, id, 0)()
	wantCode(t, err, codes.NotFound)
	err = get(bearing(t, "grace"), "not an id")
	wantCode(t, err, codes.InvalidArgument)
	fields := false
	for _, d := range status.Convert(err).Details() {
		bad, ok := d.(*errdetails.BadRequest)
		fields = fields || ok && len(bad.FieldViolations) == 1
	}
	if !fields {
		t.Errorf("no field violation: %v", status.Convert(err).Details())
	}
}

func TestConnectClientsUseTheNativeProcess(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	o := place(t, customerOf(t), order("CUP", 1, "pm_card_visa"))
	token, err := stack.Token(t.Context(), userOf(t), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, protocol := range map[string]connect.ClientOption{
		"gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(), "Connect": connect.WithProtoJSON(),
	} {
		c := orderflowv1connect.NewOrderServiceClient(
			&http.Client{Transport: transport}, "http://"+stack.GRPCTarget, protocol)
		ctx, call := connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Authorization", "Bearer "+token)
		stream, err := c.WatchOrder(ctx, &orderflowv1.WatchOrderRequest{OrderId: o.OrderID})
		if err != nil {
			t.Fatal(err)
		}
		var last *orderflowv1.Order
		for stream.Receive() {
			last = stream.Msg().Order
		}
		if stream.Err() != nil || last.GetStatus() != orderflowv1.OrderStatus_ORDER_STATUS_CONFIRMED {
			t.Errorf("%s: the watch ended with %v, %v", name, last, stream.Err())
		}
	}
}

func TestAHundredWatchersOfAnOrderCostOneReadPerSecond(t *testing.T) {
	t.Parallel()
	p, err := stack.StartRPC(t.Context(), filepath.Join(t.TempDir(), "rpc"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	reads := func() int {
		log, err := p.Log()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(log), `"WatchReads":1`)
	}
	o := pending(t, customerOf(t))
	conn, ctx := dial(t, p.Target), bearing(t, userOf(t))
	const watchers = 100
	seen, ended := make(chan int64, watchers), make(chan error, watchers)
	for range watchers {
		next := watchOrder(t, ctx, conn, o.OrderID, 0)
		go func() {
			first, err := next()
			seen <- first.GetVersion()
			var last *orderflowv1.Order
			for o := first; err == nil; o, err = next() {
				last = o
			}
			if errors.Is(err, io.EOF) && last.GetStatus() == orderflowv1.OrderStatus_ORDER_STATUS_CANCELLED {
				err = nil
			}
			ended <- err
		}()
	}
	for range watchers {
		if version := <-seen; version != 1 {
			t.Fatalf("first version %d", version)
		}
	}
	before, seconds := reads(), 10
	if before < watchers {
		t.Errorf("%d reads before %d first answers", before, watchers)
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	n := reads() - before
	t.Logf("%d watchers: %d reads in %d s", watchers, n, seconds)
	if n < seconds/2 || n > seconds+1 {
		t.Errorf("%d reads in %d s", n, seconds)
	}
	if _, err := customerOf(t).CancelOrder(t.Context(), "", o.OrderID, ""); err != nil {
		t.Fatal(err)
	}
	for range watchers {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWatchGoesOnAtAnotherProcess(t *testing.T) {
	t.Parallel()
	p, err := stack.StartRPC(t.Context(), filepath.Join(t.TempDir(), "rpc"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Stop() })
	conn, o := dial(t, p.Target), pending(t, customerOf(t))
	next := watchOrder(t, bearing(t, userOf(t)), conn, o.OrderID, 0)
	seen, err := next()
	if err != nil {
		t.Fatal(err)
	}
	health, err := healthv1.NewHealthClient(conn).Watch(t.Context(),
		&healthv1.HealthCheckRequest{Service: orderflowv1connect.OrderServiceName})
	if err != nil {
		t.Fatal(err)
	}
	wantHealth := func(want healthv1.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if res, err := health.Recv(); err != nil || res.Status != want {
			t.Errorf("health %v, %v, want %s", res, err, want)
		}
	}
	wantHealth(healthv1.HealthCheckResponse_SERVING)
	stopped := make(chan error, 1)
	go func() { stopped <- p.Stop() }()
	wantHealth(healthv1.HealthCheckResponse_NOT_SERVING)
	_, err = next()
	wantCode(t, err, codes.Unavailable)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if log, err := p.Log(); err != nil || !strings.Contains(string(log), `"clean":true`) {
		t.Errorf("it did not end well: %s, %v", log, err)
	}

	next = watchOrder(t, bearing(t, userOf(t)), dial(t, stack.GRPCTarget), o.OrderID, seen.Version)
	if _, err := customerOf(t).CancelOrder(t.Context(), "", o.OrderID, ""); err != nil {
		t.Fatal(err)
	}
	for want := seen.Version + 1; ; want++ {
		got, err := next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || got.Version != want {
			t.Fatalf("got %v, %v, want version %d", got, err, want)
		}
		seen = got
	}
	if seen.Status != orderflowv1.OrderStatus_ORDER_STATUS_CANCELLED {
		t.Errorf("the watch ended with %v", seen)
	}
}

// elsewhere is a registry with another address for one service.
type elsewhere struct {
	httpclient.Endpoints
	service, url string
}

func (e elsewhere) Pick(ctx context.Context, name string) (string, func(bool), error) {
	if name == e.service {
		return e.url, func(bool) {}, nil
	}
	return e.Endpoints.Pick(ctx, name)
}

// serveWith runs a native RPC process in this one, for which a service has another address.
func serveWith(t *testing.T, service, url string) (target string) {
	t.Helper()
	vars := map[string]string{
		"STAGE": devstack.Stage, "DISCOVERY": "parameters", "AWS_ENDPOINT_URL": stack.Emulator.URL,
		"AWS_REGION": devstack.Region, "AWS_ACCESS_KEY_ID": devstack.AccessKey,
		"AWS_SECRET_ACCESS_KEY": devstack.SecretKey,
	}
	env := function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.System{})
	caller := outbound.New(env, "gateway", memdb.NewLog(clock.System{})) // circuits of its own
	shop := services.New(func(dependency string) httpclient.Config {
		c := caller.To(dependency)
		c.Endpoints = elsewhere{c.Endpoints, service, url}
		return c
	})
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	s := rpcserver.New(ctx, shop, clock.System{}, func(context.Context) {}, false)
	limits := rpcserver.DefaultLimits
	limits.Notice = 0
	go func() { ended <- s.Serve(ctx, l, nil, limits) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestWithoutPaymentsASummaryByRPCHasTheRestInTime(t *testing.T) {
	o := place(t, customer(), order("CUP", 1, "pm_card_visa"))
	wantFinal(t, o, client.Confirmed, "")
	for name, fault := range map[string]faultserver.Fault{
		"down": faultserver.Status(http.StatusServiceUnavailable, 0), "silent": faultserver.Hang,
	} {
		t.Run(name, func(t *testing.T) {
			payments, err := faultserver.New(http.NotFoundHandler())
			if err == nil {
				err = payments.Set(fault)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer payments.Close()
			conn := dial(t, serveWith(t, "payments", payments.URL()))
			ctx, cancel := context.WithTimeout(bearing(t, "alice"), 4*time.Second)
			defer cancel()
			var summary orderflowv1.GetOrderSummaryResponse
			began := time.Now()
			err = conn.Invoke(ctx, orderService+"GetOrderSummary",
				&orderflowv1.GetOrderSummaryRequest{OrderId: o.OrderID}, &summary)
			t.Logf("answered in %v", time.Since(began))
			if err != nil || summary.Order.GetStatus() != orderflowv1.OrderStatus_ORDER_STATUS_CONFIRMED ||
				summary.Shipment.GetTrackingNumber() == "" || summary.Reservations == nil ||
				summary.Payment != nil || summary.PaymentError.GetCode() != "Unavailable" {
				t.Errorf("%v: %v", err, &summary)
			}
		})
	}
}

func TestASlowServiceIsDeadlineExceededInTime(t *testing.T) {
	slow, err := faultserver.New(http.NotFoundHandler())
	if err == nil {
		err = slow.Set(faultserver.Hang)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	conn := dial(t, serveWith(t, "orders", slow.URL()))
	for _, limit := range []time.Duration{500 * time.Millisecond, 20 * time.Second} {
		ctx, cancel := context.WithTimeout(bearing(t, "alice"), limit)
		began := time.Now()
		err := conn.Invoke(ctx, orderService+"GetOrder",
			&orderflowv1.GetOrderRequest{OrderId: "01KAQ5M3Z8V7D2X4C6B9N1T0RW"},
			&orderflowv1.GetOrderResponse{})
		cancel()
		wantCode(t, err, codes.DeadlineExceeded)
		if took := time.Since(began); took > min(limit, 3*time.Second)+300*time.Millisecond {
			t.Errorf("with %v: after %v", limit, took)
		}
	}
}
