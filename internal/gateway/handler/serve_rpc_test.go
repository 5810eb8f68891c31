package handler

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	v1 "orderflow/api/rpc/orderflow/v1"
	"orderflow/internal/gateway/rpc"
	rpchandler "orderflow/internal/gateway/rpc/handler"
)

const grpcWeb = "application/grpc-web+proto"

// callRPC sends the sample after edit.
func callRPC(t *testing.T, changed shop, edit func(*request)) response {
	t.Helper()
	return call(t, t.Context(), "serve-rpc", "serveRpc", rpchandler.Serve(rpc.New(open(t, changed), nil)), edit)
}

// as sets media types and the body, which API Gateway hands over in base64 if it is binary.
func as(contentType, accept string, body []byte) func(*request) {
	return func(in *request) {
		in.MultiValueHeaders = nil
		in.Headers["content-type"], in.Headers["accept"] = contentType, accept
		in.Body = string(body)
		in.IsBase64Encoded = strings.Contains(contentType, "proto") && !strings.Contains(contentType, "-text")
		if in.IsBase64Encoded {
			in.Body = base64.StdEncoding.EncodeToString(body)
		}
	}
}

func getOrder(t *testing.T, id string) []byte {
	t.Helper()
	b, err := proto.Marshal(&v1.GetOrderRequest{OrderId: id})
	must(t, err)
	return b
}

// frame is a message of gRPC-Web.
func frame(message []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// unframe returns the messages and the trailers of a gRPC-Web body.
func unframe(t *testing.T, body []byte) (messages [][]byte, trailers string) {
	t.Helper()
	for len(body) > 0 {
		size := binary.BigEndian.Uint32(body[1:5])
		part := body[5 : 5+size]
		if body[0]&0x80 != 0 {
			trailers = string(part)
		} else {
			messages = append(messages, part)
		}
		body = body[5+size:]
	}
	return messages, trailers
}

func raw(t *testing.T, res response) []byte {
	t.Helper()
	if !res.IsBase64Encoded {
		return []byte(res.Body)
	}
	b, err := base64.StdEncoding.DecodeString(res.Body)
	must(t, err)
	return b
}

func TestRPCAnswersInJSON(t *testing.T) {
	res := callRPC(t, nil, nil)
	if res.StatusCode != 200 || res.IsBase64Encoded ||
		!strings.Contains(res.Body, `"status":"ORDER_STATUS_CONFIRMED"`) {
		t.Errorf("%d %s", res.StatusCode, res.Body)
	}
}

func TestRPCAnswersInBinary(t *testing.T) {
	res := callRPC(t, nil, as("application/proto", "application/proto, */*", getOrder(t, order)))
	var out v1.GetOrderResponse
	must(t, proto.Unmarshal(raw(t, res), &out))
	if res.StatusCode != 200 || out.Order.OrderId != order || out.Order.Total.Amount != 1999 {
		t.Errorf("%d %v", res.StatusCode, &out)
	}
}

func TestRPCAnswersGRPCWeb(t *testing.T) {
	text := func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) }
	whole := frame(getOrder(t, order))
	for name, c := range map[string]struct {
		contentType string
		body        []byte
		decode      func([]byte) []byte
	}{
		"binary": {"application/grpc-web+proto", whole, bytes.Clone},
		"text":   {"application/grpc-web-text", text(whole), untext(t)},
		"parts":  {"application/grpc-web-text+proto", append(text(whole[:5]), text(whole[5:])...), untext(t)},
	} {
		res := callRPC(t, nil, as(c.contentType, c.contentType, c.body))
		messages, trailers := unframe(t, c.decode(raw(t, res)))
		var out v1.GetOrderResponse
		if len(messages) != 1 || proto.Unmarshal(messages[0], &out) != nil || out.Order.OrderId != order ||
			!strings.Contains(strings.ToLower(trailers), "grpc-status: 0") {
			t.Errorf("%s: %d %v %q %q", name, res.StatusCode, res.Headers, messages, trailers)
		}
	}
}

func untext(t *testing.T) func([]byte) []byte {
	return func(b []byte) []byte {
		decoded, err := base64.StdEncoding.DecodeString(string(b))
		must(t, err)
		return decoded
	}
}

func TestGRPCWebHasItsStatusBesideTheMessages(t *testing.T) {
	missing := shop{"orders": respond(404, `{"code":"OrderNotFound","detail":"there is no such order"}`)}
	res := callRPC(t, missing, as(grpcWeb, grpcWeb, frame(getOrder(t, order))))
	_, trailers := unframe(t, raw(t, res))
	trailers = strings.ToLower(trailers)
	if res.StatusCode != 200 || res.Headers["Grpc-Status"] != "5" && !strings.Contains(trailers, "grpc-status: 5") {
		t.Errorf("%d %v %q", res.StatusCode, res.Headers, trailers)
	}
}

// refusedRPC asserts that nothing was called.
func refusedRPC(t *testing.T, name string, edit func(*request), status int, part string) {
	t.Helper()
	called := shop{"orders": func(http.ResponseWriter, *http.Request) { t.Errorf("%s: orders was called", name) }}
	if res := callRPC(t, called, edit); res.StatusCode != status || !strings.Contains(res.Body, part) {
		t.Errorf("%s: %d %s, want %d %s", name, res.StatusCode, res.Body, status, part)
	}
}

func TestRequestsThatAPIGatewayWouldGarbleAreRefused(t *testing.T) {
	for _, accept := range []string{"", "*/*", "application/json, application/proto"} {
		edit := as("application/proto", accept, getOrder(t, order))
		refusedRPC(t, accept, edit, 400, connect.CodeInvalidArgument.String())
	}
	refusedRPC(t, "not base64", as("application/grpc-web-text", "*/*", []byte("a?")), 200, "")
}

func TestOtherProtocolsAreNotServed(t *testing.T) {
	for _, media := range []string{
		"application/grpc", "application/grpc+proto", "application/connect+json", "text/plain", "",
	} {
		refusedRPC(t, media, as(media, media, nil), 404, "NotServed")
	}
	refusedRPC(t, "method", func(in *request) { in.PathParameters["method"] = "Nothing" }, 404, "UnknownMethod")
	refusedRPC(t, "service", func(in *request) { in.PathParameters["service"] = "../orders" }, 400, "InvalidRequest")
	refusedRPC(t, "stream", func(in *request) { in.PathParameters["method"] = "WatchOrder" }, 404, "NotServed")
}

func TestLargeMessagesAreResourceExhausted(t *testing.T) {
	long := []byte(`{"orderId":"` + strings.Repeat("A", 64<<10) + `"}`)
	refusedRPC(t, "64 KiB", as("application/json", "*/*", long), 429, connect.CodeResourceExhausted.String())
}

func TestResponsesAreNotCompressed(t *testing.T) {
	res := callRPC(t, nil, func(in *request) { in.Headers["accept-encoding"] = "gzip" })
	if res.Headers["Content-Encoding"] != "" {
		t.Errorf("%v", res.Headers)
	}
}

func TestRPCServesTheRestWhilePaymentsAreDown(t *testing.T) {
	for name, down := range map[string]http.HandlerFunc{"broken": respond(500, ""), "hanging": hangs} {
		begun := time.Now()
		res := callRPC(t, shop{"payments": down}, func(in *request) {
			in.PathParameters["method"] = "GetOrderSummary"
		})
		var out v1.GetOrderSummaryResponse
		must(t, protojson.Unmarshal([]byte(res.Body), &out))
		if out.Order == nil || out.Shipment == nil || out.Payment != nil ||
			out.PaymentError.GetCode() != "Unavailable" || time.Since(begun) > 4*time.Second {
			t.Errorf("%s: %d %s after %v", name, res.StatusCode, res.Body, time.Since(begun))
		}
	}
}

func TestRPCHandsOnTheCallersDeadline(t *testing.T) {
	begun := time.Now()
	res := callRPC(t, shop{"orders": hangs}, func(in *request) { in.Headers["connect-timeout-ms"] = "300" })
	if res.StatusCode != 504 || !strings.Contains(res.Body, "DeadlineExceeded") || time.Since(begun) > 2*time.Second {
		t.Errorf("%d %s after %v", res.StatusCode, res.Body, time.Since(begun))
	}
}

func TestRPCHandsOnTokenKeyDeadlineAndTrace(t *testing.T) {
	var got http.Header
	orders := func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(orderJSON))
	}
	res := callRPC(t, shop{"orders": orders}, func(in *request) {
		in.PathParameters["method"], in.Body = "PlaceOrder", `{"paymentMethod":"pm"}`
		in.Headers["idempotency-key"], in.Headers["connect-timeout-ms"] = "k-1", "900"
	})
	left, err := strconv.Atoi(got.Get("X-Request-Timeout-Ms"))
	if res.StatusCode != 200 || !strings.HasPrefix(got.Get("Authorization"), "Bearer ey") ||
		got.Get("Idempotency-Key") != "k-1" || got.Get("Traceparent") == "" || err != nil || left > 900 {
		t.Errorf("%d %s: %v", res.StatusCode, res.Body, got)
	}
}
