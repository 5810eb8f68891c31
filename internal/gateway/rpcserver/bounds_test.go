package rpcserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"google.golang.org/protobuf/proto"

	orderflowv1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway/rpcserver"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/httpclient"
	"orderflow/internal/platform/registry"
)

// Frames of HTTP/2 and their flags (RFC 9113, 6).
const (
	data, headers, rstStream, settings = 0, 1, 3, 4
	endStream, endHeaders              = 1, 4
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	return append(binary.BigEndian.AppendUint32(append(b, flags), stream), payload...)
}

// envelope is a message as gRPC sends it.
func envelope(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...)
}

// callUnread makes a call with a window of no bytes, so that the server can send no message. It
// returns when the server resets the stream.
func callUnread(t *testing.T, address, path, contentType string, message []byte) error {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	var fields []byte
	for _, f := range [][2]string{
		{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "localhost"},
		{"content-type", contentType}, {"te", "trailers"}, {"authorization", bearer("ada")},
	} { // literals that are not indexed; no length needs a second byte (RFC 7541, 6.2.2)
		fields = append(fields, 0, byte(len(f[0])))
		fields = append(append(fields, f[0]...), byte(len(f[1])))
		fields = append(fields, f[1]...)
	}
	out := []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	out = append(out, frame(settings, 0, 0, []byte{0, 4, 0, 0, 0, 0})...) // the initial window is 0
	out = append(out, frame(headers, endHeaders, 1, fields)...)
	out = append(out, frame(data, endStream, 1, message)...)
	if _, err := conn.Write(out); err != nil {
		return err
	}
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return fmt.Errorf("the stream is not reset: %w", err)
		}
		payload := make([]byte, binary.BigEndian.Uint32(head)>>8)
		if _, err := io.ReadFull(conn, payload); err != nil {
			return err
		}
		switch kind := head[3]; {
		case kind == rstStream:
			return nil
		case kind == data || kind == headers && head[4]&endStream != 0:
			return errors.New("the server could answer")
		}
	}
}

func TestAnAnswerThatIsNotReadEnds(t *testing.T) {
	short := limits
	short.Unread = 300 * time.Millisecond
	p := serve(t, short, nil)
	const order, grpc = "/orderflow.v1.OrderService/", "application/grpc"
	for _, c := range []struct {
		path, contentType string
		message           []byte
	}{
		{order + "WatchOrder", grpc, envelope(t, &orderflowv1.WatchOrderRequest{OrderId: orderID})},
		{order + "GetOrder", grpc, envelope(t, &orderflowv1.GetOrderRequest{OrderId: orderID})},
		{order + "GetOrder", "application/json", fmt.Appendf(nil, `{"orderId":%q}`, orderID)},
		{"/grpc.health.v1.Health/Watch", grpc, envelope(t, &orderflowv1.GetOrderRequest{})},
	} {
		if err := callUnread(t, p.address, c.path, c.contentType, c.message); err != nil {
			t.Errorf("%s by %s: %v", c.path, c.contentType, err)
		}
	}
	time.Sleep(1100 * time.Millisecond) // until the feed sees that its watcher is gone
	p.taken()
	time.Sleep(1500 * time.Millisecond)
	if n := p.taken(); n > 0 {
		t.Errorf("%d reads for a client that is gone", n)
	}
}

func TestADrainDoesNotWaitForAnswersThatAreNotRead(t *testing.T) {
	short := limits
	short.Unread = time.Second
	p := serve(t, short, nil)
	called := make(chan error, 1)
	go func() {
		called <- callUnread(t, p.address, "/orderflow.v1.OrderService/WatchOrder", "application/grpc",
			envelope(t, &orderflowv1.WatchOrderRequest{OrderId: orderID}))
	}()
	for p.taken() < 1 {
		time.Sleep(time.Millisecond)
	}
	p.stop()
	select {
	case err := <-p.ended:
		if err != nil {
			t.Errorf("Serve: %v", err)
		}
		p.ended <- nil
	case <-time.After(3 * time.Second):
		t.Error("the watch holds the process")
	}
	if err := <-called; err != nil {
		t.Error(err)
	}
}

func TestWatchesOfTheHealthAreBounded(t *testing.T) {
	p := serve(t, limits, nil)
	health := grpchealth.NewClient(p.http, p.url, connect.WithGRPC())
	watch := func(service string) (grpchealth.WatchEvent, func()) {
		ctx, end := context.WithCancel(t.Context())
		events := health.Watch(ctx, &grpchealth.CheckRequest{Service: service})
		return <-events, func() {
			end()
			for range events {
			}
		}
	}
	for range 100 {
		e, end := watch("none") // has no place
		end()
		wantCode(t, e.Err, connect.CodeNotFound)
	}
	var first func()
	for n := range 100 {
		e, end := watch("")
		defer end()
		if e.Err != nil {
			t.Fatalf("watch %d: %v", n+1, e.Err)
		}
		if n == 0 {
			first = end
		}
	}
	e, end := watch("")
	end()
	wantCode(t, e.Err, connect.CodeResourceExhausted)
	if _, err := health.Check(t.Context(), &grpchealth.CheckRequest{}); err != nil {
		t.Error(err)
	}
	first()
	for again := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		e, end := watch("")
		end()
		if e.Err == nil {
			break
		}
		if time.Now().After(again) {
			t.Fatalf("after one has ended: %v", e.Err)
		}
	}
}

func TestWatchesOfASlowServiceLeaveRoomToUnaryCalls(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(500 * time.Millisecond)
		_, id := path.Split(r.URL.Path)
		_, _ = fmt.Fprintf(w, `{"orderId":%q,"status":"PENDING","version":1}`, id)
	}))
	defer slow.Close()
	p := serveShop(t, limits, nil, services.New(func(string) httpclient.Config {
		return httpclient.Config{
			Endpoints: registry.Fixed{"orders": slow.URL}, Clock: clock.System{}, Concurrency: rpcserver.Concurrency,
		}
	}), &backends{})
	var watches sync.WaitGroup
	defer watches.Wait()
	defer p.stop()
	for i := range 2 * rpcserver.Concurrency {
		watches.Go(func() {
			stream, err := p.orders.WatchOrder(as(t, fmt.Sprint("caller", i%10)),
				&orderflowv1.WatchOrderRequest{OrderId: fmt.Sprintf("%s%03d", orderID[:23], i)})
			for err == nil && stream.Receive() {
			}
		})
	}
	time.Sleep(300 * time.Millisecond)
	for range 5 {
		if _, err := p.orders.GetOrder(as(t, "bob"), &orderflowv1.GetOrderRequest{OrderId: orderID}); err != nil {
			t.Fatal(err)
		}
	}
}
