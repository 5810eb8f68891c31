package rpcserver_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/api/rpc/orderflow/v1/orderflowv1connect"
	"orderflow/internal/gateway"
	"orderflow/internal/gateway/rpc"
	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/platform/clock"
)

const orderID = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

// backends are the services with one order, which may answer slowly.
type backends struct {
	gateway.Shop
	gateway.Backends

	mu    sync.Mutex
	order gateway.Order
	reads int
	lines int           // connections
	held  chan struct{} // reads wait for it
}

func (b *backends) Order(ctx context.Context, _ gateway.Caller, _ string) (gateway.Order, error) {
	b.mu.Lock()
	b.reads++
	order, held := b.order, b.held
	b.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			return gateway.Order{}, ctx.Err()
		}
	}
	return order, nil
}

func (b *backends) hold() (release func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held := make(chan struct{})
	b.held = held
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.held = nil
		close(held)
	})
}

func (b *backends) change(status string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.order.Version++
	b.order.Status = status
	c := gateway.OrderChange{Version: b.order.Version, Status: status, At: "2026-11-28T10:00:00Z"}
	b.order.Changes = append(slices.Clip(b.order.Changes), c)
}

func (b *backends) taken() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := b.reads
	b.reads = 0
	return n
}

// counting counts the connections.
type counting struct {
	net.Listener
	b *backends
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	c.b.mu.Lock()
	defer c.b.mu.Unlock()
	c.b.lines++
	return conn, err
}

// process is a server that serves.
type process struct {
	*backends
	address string
	url     string
	http    *http.Client
	orders  orderflowv1connect.OrderServiceClient
	stop    context.CancelFunc // as SIGTERM does
	ended   chan error
}

var limits = rpcserver.Limits{
	Streams: 250, Ping: time.Minute, Arrival: time.Minute, Unread: time.Minute, Idle: time.Minute,
	Drain: 5 * time.Second,
}

func serve(t *testing.T, limits rpcserver.Limits, certificate *tls.Config) *process {
	t.Helper()
	b := &backends{order: gateway.Order{OrderID: orderID}}
	b.change("PENDING")
	return serveShop(t, limits, certificate, b, b)
}

func serveShop(
	t *testing.T, limits rpcserver.Limits, certificate *tls.Config, shop rpc.Backends, b *backends,
) *process {
	t.Helper()
	p := &process{backends: b, ended: make(chan error, 1)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.address = l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	p.stop = stop
	s := rpcserver.New(ctx, shop, clock.System{}, func(context.Context) {}, true)
	go func() { p.ended <- s.Serve(ctx, counting{l, p.backends}, certificate, limits) }()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	p.url = "http://" + p.address
	transport.Protocols.SetUnencryptedHTTP2(true)
	if certificate != nil {
		p.url = "https://" + p.address
		transport.Protocols.SetUnencryptedHTTP2(false)
		transport.Protocols.SetHTTP2(true)
		transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	}
	p.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		stop()
		select {
		case err := <-p.ended:
			t.Logf("Serve: %v", err)
		case <-time.After(10 * time.Second):
			t.Error("the process does not end")
		}
	})
	p.orders = orderflowv1connect.NewOrderServiceClient(p.http, p.url, connect.WithGRPC())
	return p
}

// bearer returns the header Authorization of a subject.
func bearer(subject string) string {
	claims := fmt.Sprintf(`{"sub":%q,"exp":%d}`, subject, time.Now().Add(time.Hour).Unix())
	return "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// as returns a context with a token.
func as(t *testing.T, subject string) context.Context {
	t.Helper()
	ctx, call := connect.NewClientContext(t.Context())
	call.RequestHeader().Set("Authorization", bearer(subject))
	return ctx
}

func wantCode(t *testing.T, err error, want connect.Code) {
	t.Helper()
	if got := connect.CodeOf(err); err == nil || got != want {
		t.Errorf("got %v, want code %s", err, want)
	}
}

func (p *process) watch(t *testing.T, after int64) *connect.ServerStreamForClient[orderflowv1.WatchOrderResponse] {
	t.Helper()
	stream, err := p.orders.WatchOrder(as(t, "ada"),
		&orderflowv1.WatchOrderRequest{OrderId: orderID, AfterVersion: after})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	return stream
}

func TestWatchEndsWithoutAnErrorAfterTheFinalChange(t *testing.T) {
	p := serve(t, limits, nil)
	stream := p.watch(t, 0)
	if !stream.Receive() || stream.Msg().Order.Version != 1 {
		t.Fatalf("first: %v, %v", stream.Msg(), stream.Err())
	}
	p.change("PENDING")
	p.change("CONFIRMED")
	for _, want := range []orderflowv1.OrderStatus{
		orderflowv1.OrderStatus_ORDER_STATUS_PENDING, orderflowv1.OrderStatus_ORDER_STATUS_CONFIRMED,
	} {
		if !stream.Receive() || stream.Msg().Order.Status != want {
			t.Fatalf("got %v, %v, want %s", stream.Msg(), stream.Err(), want)
		}
	}
	if stream.Receive() || stream.Err() != nil {
		t.Errorf("after the end: %v, %v", stream.Msg(), stream.Err())
	}
	resumed := p.watch(t, 2)
	if !resumed.Receive() || resumed.Msg().Order.Version != 3 || resumed.Receive() || resumed.Err() != nil {
		t.Errorf("resumed: %v, %v", resumed.Msg(), resumed.Err())
	}
	if refused := p.watch(t, -1); refused.Receive() || connect.CodeOf(refused.Err()) != connect.CodeInvalidArgument {
		t.Errorf("after a negative version: %v", refused.Err())
	}
}

func TestADrainFinishesCallsAndEndsStreamsWithUnavailable(t *testing.T) {
	within := limits
	within.Notice = 200 * time.Millisecond
	p := serve(t, within, nil)
	stream := p.watch(t, 0)
	stream.Receive()
	health := grpchealth.NewClient(p.http, p.url, connect.WithGRPC())
	states := health.Watch(t.Context(), &grpchealth.CheckRequest{Service: orderflowv1connect.OrderServiceName})
	if e := <-states; e.Response == nil || e.Response.Status != grpchealth.StatusServing {
		t.Fatalf("health: %+v", e)
	}
	release := p.hold()
	defer release()
	answered := make(chan error, 1)
	go func() {
		_, err := p.orders.GetOrder(as(t, "ada"), &orderflowv1.GetOrderRequest{OrderId: orderID})
		answered <- err
	}()
	for p.taken() < 1 {
		time.Sleep(time.Millisecond)
	}
	p.stop()
	if e := <-states; e.Response == nil || e.Response.Status != grpchealth.StatusNotServing {
		t.Errorf("health at the end: %+v", e)
	}
	if stream.Receive() {
		t.Errorf("got %v", stream.Msg())
	}
	wantCode(t, stream.Err(), connect.CodeUnavailable)
	if !strings.Contains(stream.Err().Error(), "watch again") {
		t.Errorf("the client is told %v", stream.Err())
	}
	select {
	case err := <-answered:
		t.Errorf("the call ended before its time: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	release()
	if err := <-answered; err != nil {
		t.Errorf("the call under way: %v", err)
	}
	if err := <-p.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	p.ended <- nil
	_, err := p.orders.GetOrder(as(t, "ada"), &orderflowv1.GetOrderRequest{OrderId: orderID})
	wantCode(t, err, connect.CodeUnavailable)
}

func TestAllLimitsMustBeSet(t *testing.T) {
	var b backends
	s := rpcserver.New(t.Context(), &b, clock.System{}, nil, false)
	for name, clear := range map[string]func(*rpcserver.Limits){
		"Streams": func(l *rpcserver.Limits) { l.Streams = 0 },
		"Ping":    func(l *rpcserver.Limits) { l.Ping = 0 },
		"Arrival": func(l *rpcserver.Limits) { l.Arrival = 0 },
		"Unread":  func(l *rpcserver.Limits) { l.Unread = 0 },
		"Idle":    func(l *rpcserver.Limits) { l.Idle = 0 },
		"Drain":   func(l *rpcserver.Limits) { l.Drain = 0 },
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { _ = l.Close() }) // ends Serve if it serves
		bad := limits
		clear(&bad)
		if err := s.Serve(t.Context(), l, nil, bad); err == nil || !strings.Contains(err.Error(), "limit") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestADrainIsBounded(t *testing.T) {
	within := limits
	within.Drain = 100 * time.Millisecond
	p := serve(t, within, nil)
	defer p.hold()()
	go func() { _, _ = p.orders.GetOrder(as(t, "ada"), &orderflowv1.GetOrderRequest{OrderId: orderID}) }()
	for p.taken() < 1 {
		time.Sleep(time.Millisecond)
	}
	p.stop()
	select {
	case err := <-p.ended:
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Serve: %v", err)
		}
		p.ended <- nil
	case <-time.After(2 * time.Second):
		t.Error("the drain takes longer than its limit")
	}
}

func TestHealthAndReflectionNameTheServices(t *testing.T) {
	p := serve(t, limits, nil)
	health := grpchealth.NewClient(p.http, p.url, connect.WithGRPC())
	for _, service := range []string{
		"", "orderflow.v1.OrderService", "orderflow.v1.ProductService", "orderflow.v1.StockService",
	} {
		res, err := health.Check(t.Context(), &grpchealth.CheckRequest{Service: service})
		if err != nil || res.Status != grpchealth.StatusServing {
			t.Errorf("%q: %v, %v", service, res, err)
		}
	}
	_, err := health.Check(t.Context(), &grpchealth.CheckRequest{Service: "none"})
	wantCode(t, err, connect.CodeNotFound)
	stream := grpcreflect.NewClient(p.http, p.url, connect.WithGRPC()).NewStream(t.Context())
	defer func() { _, _ = stream.Close() }()
	names, err := stream.ListServices()
	if err != nil || len(names) != 4 || !slices.Contains(names, "orderflow.v1.OrderService") {
		t.Errorf("services %q, %v", names, err)
	}
	files, err := stream.FileContainingSymbol("orderflow.v1.WatchOrderRequest")
	if err != nil || len(files) == 0 {
		t.Errorf("%d files, %v", len(files), err)
	}
}

func TestAConnectionHasABoundedNumberOfCalls(t *testing.T) {
	few := limits
	few.Streams = 2
	p := serve(t, few, nil)
	for range 2 {
		p.watch(t, 0).Receive()
	}
	for range 3 { // the client opens other connections
		p.watch(t, 0).Receive()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines != 3 {
		t.Errorf("five calls share %d connections, want 3", p.lines)
	}
}

func TestADeadClientsWatchEnds(t *testing.T) {
	short := limits
	short.Ping = 200 * time.Millisecond
	p := serve(t, short, nil)
	front, freeze := cable(t, p.address)
	p.orders = orderflowv1connect.NewOrderServiceClient(p.http, "http://"+front, connect.WithGRPC())
	stream := p.watch(t, 0)
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	time.Sleep(time.Second) // several pings
	if p.taken() < 1 {
		t.Fatal("no reads for a living client")
	}
	freeze()
	time.Sleep(2500 * time.Millisecond)
	p.taken()
	time.Sleep(1500 * time.Millisecond)
	if n := p.taken(); n > 0 {
		t.Errorf("%d reads for a dead client", n)
	}
}

func TestRequestsThatDoNotArriveEndAndWatchesGoOn(t *testing.T) {
	short := limits
	short.Arrival, short.Unread = 200*time.Millisecond, 200*time.Millisecond
	p := serve(t, short, nil)
	stream := p.watch(t, 0)
	stream.Receive()
	for path, contentType := range map[string]string{
		"/orderflow.v1.OrderService/PlaceOrder":                     "application/proto",
		"/orderflow.v1.OrderService/WatchOrder":                     "application/grpc",
		"/grpc.health.v1.Health/Check":                              "application/grpc",
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": "application/grpc",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		never, open := io.Pipe()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+path, never)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		if res, err := p.http.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if ctx.Err() != nil {
			t.Errorf("%s waits for ever", path)
		}
		cancel()
		_ = open.Close()
	}
	p.change("CONFIRMED")
	if !stream.Receive() || stream.Msg().Order.Version != 2 {
		t.Errorf("the watch ended: %v", stream.Err())
	}
}

// cable forwards connections to an address until it is frozen: both ends then hear nothing more.
func cable(t *testing.T, to string) (address string, freeze func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	frozen := make(chan struct{})
	forward := func(from, to net.Conn) {
		b := make([]byte, 4096)
		for {
			n, err := from.Read(b)
			select {
			case <-frozen:
				<-t.Context().Done()
			default:
			}
			if _, failed := to.Write(b[:n]); err != nil || failed != nil {
				_ = to.Close()
				return
			}
		}
	}
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			t.Cleanup(func() { _, _ = client.Close(), server.Close() })
			go forward(client, server)
			go forward(server, client)
		}
	}()
	return l.Addr().String(), func() { close(frozen) }
}

func TestLogLinesNameTheCallAndNoPerson(t *testing.T) {
	var out lines
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	p := serve(t, limits, nil)
	p.mu.Lock()
	p.order.ShippingAddress.Name, p.order.PaymentMethod = "Ada Lovelace", "pm_card_visa"
	p.mu.Unlock()
	p.watch(t, 0).Receive()
	if _, err := p.orders.GetOrder(as(t, "ada"), &orderflowv1.GetOrderRequest{OrderId: orderID}); err != nil {
		t.Fatal(err)
	}
	p.stop()
	if err := <-p.ended; err != nil {
		t.Error(err)
	}
	p.ended <- nil
	text := out.String()
	for _, want := range []string{"draining", "ended", "call answered"} {
		if !strings.Contains(text, want) {
			t.Errorf("no line says %q: %s", want, text)
		}
	}
	if strings.Contains(text, "WARN") {
		t.Errorf("a drain must not warn: %s", text)
	}
	for _, personal := range []string{"Ada", "pm_card", "Bearer", "e30."} {
		if strings.Contains(text, personal) {
			t.Errorf("a line has %q: %s", personal, text)
		}
	}
}

// lines is a buffer for several goroutines.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

func TestByTLS(t *testing.T) {
	other := httptest.NewUnstartedServer(nil)
	other.StartTLS()
	certificate := other.TLS.Certificates
	other.Close()
	p := serve(t, limits, &tls.Config{Certificates: certificate, MinVersion: tls.VersionTLS12})
	if stream := p.watch(t, 0); !stream.Receive() {
		t.Error(stream.Err())
	}
	plain := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	if res, err := plain.Get(p.url); err == nil {
		_ = res.Body.Close()
		if res.ProtoMajor != 2 {
			t.Errorf("served by %s", res.Proto)
		}
	}
}

func TestHelpAndUsage(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"--help"}, 0, "-listen"},
		{[]string{"--unknown"}, 2, "-listen"},
		{[]string{"--tls-cert", "c.pem"}, 2, "with its key"},
		{[]string{"serve"}, 2, "flags only"},
		{nil, 1, "STAGE is not set"},
	} {
		var out, errs bytes.Buffer
		if code := rpcserver.Main(t.Context(), c.args, none, &out, &errs); code != c.code ||
			!strings.Contains(out.String()+errs.String(), c.says) {
			t.Errorf("%q: exit code %d, want %d: %s%s", c.args, code, c.code, out.String(), errs.String())
		}
	}
}
