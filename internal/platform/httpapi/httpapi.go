// Package httpapi turns a use case into a Lambda function behind API Gateway. An operation of
// api/openapi.yaml defines who may call it and what a request looks like. The function itself
// checks every request against it and does not rely on API Gateway.
package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/api"
	"orderflow/internal/platform/audit"
	"orderflow/internal/platform/deadline"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/tracing"
)

// MaxBody is the largest accepted request body, in bytes.
const MaxBody = 64 << 10

// Request is a request that matches its operation.
type Request struct {
	// Caller is zero for a public operation.
	Caller Identity
	Path   map[string]string
	Query  url.Values
	Header http.Header
	// Body is in canonical form (RFC 8785), unless it is opaque. Only HandleVerified's verify sees
	// the original bytes.
	Body []byte

	operation, path string
	// formerly is the request's hash as computed before bodies were made canonical.
	formerly string
}

// Bytes is a body that is sent as it is.
type Bytes []byte

// Response is sent with its Body as JSON, or as Bytes, or without a body if Body is nil.
type Response struct {
	Status int
	Header map[string]string
	Body   any

	headOnly bool // send the headers without the body
}

// HandlerFunc handles a request. Its error becomes a problem document.
type HandlerFunc func(ctx context.Context, r *Request) (Response, error)

// Handle returns the function of operation id. It does not start if the contract has no such
// operation.
func Handle(id string, handle HandlerFunc) function.Handler {
	return newEndpoint(id, unverified, handle)
}

// unverified is the Verify of operations that need no proof besides the token.
func unverified(context.Context, http.Header, []byte) error { return nil }

// Verify checks a caller's own proof of identity, such as a signature over the body.
type Verify func(ctx context.Context, h http.Header, body []byte) error

// HandleVerified is Handle for a public operation whose callers are checked by verify. verify runs
// before the contract is checked, so an unverified caller learns nothing about the contract.
func HandleVerified(id string, verify Verify, handle HandlerFunc) function.Handler {
	return newEndpoint(id, verify, handle)
}

func newEndpoint(id string, verify Verify, handle HandlerFunc) *endpoint {
	e := &endpoint{verify: verify, handle: handle}
	if e.op, e.err = api.Load(id); e.err != nil {
		e.op = &api.Operation{ID: id}
	}
	return e
}

// endpoint is the function of one operation.
type endpoint struct {
	op     *api.Operation
	err    error // the contract has no such operation
	verify Verify
	handle HandlerFunc
	tokens tokens
	trail  *audit.Trail

	origins origins
}

// Invoke answers a request from API Gateway.
func (e *endpoint) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	head := in.HTTPMethod == http.MethodHead
	if head { // answered like GET, without the body
		in.HTTPMethod = http.MethodGet
	}
	r := &Request{Path: in.PathParameters, Query: in.MultiValueQueryStringParameters, Header: header(in),
		operation: e.op.ID, path: in.Path}
	ctx, caller := function.Arrived(deadline.Begin(ctx), r.Header)
	ctx = withLogAttrs(ctx, r)
	ctx, span := tracing.Start(ctx, in.HTTPMethod+" "+in.Resource, tracing.Server,
		attribute.String("http.request.method", in.HTTPMethod), attribute.String("http.route", in.Resource),
		attribute.String("operation", e.op.ID), tracing.Order(in.PathParameters["orderId"]))
	if caller != "" && caller != tracing.TraceID(ctx) {
		span.SetAttributes(tracing.KeyCaller.String(caller))
	}
	res, err := e.serve(ctx, in, r)
	if err != nil {
		res = e.challenge(problem(ctx, in.Path, err))
	}
	observeResponse(ctx, res)
	endSpan(span, res, err)
	res.headOnly = head
	return encode(res.with(e.origins.headers(r.Header.Get("Origin"))))
}

// endSpan ends the span of a request. A status below 500 is not an error of the operation.
func endSpan(span trace.Span, res Response, err error) {
	span.SetAttributes(tracing.KeyStatus.Int(res.Status))
	if err != nil && res.Status < http.StatusInternalServerError {
		span.SetAttributes(tracing.KeyError.String(tracing.Code(err)))
		err = nil
	}
	tracing.End(span, err)
}

// serve checks the request, then handles it.
func (e *endpoint) serve(ctx context.Context, in events.APIGatewayProxyRequest, r *Request) (Response, error) {
	if !e.op.Public {
		var err error
		if r.Caller, err = e.caller(ctx, in.RequestContext.Authorizer, r.Header.Values("Authorization")); err != nil {
			return Response{}, err
		}
		if op := e.op; op.Group != "" && !r.Caller.In(op.Group) {
			return Response{}, errGroup
		}
	}
	var err error
	if r.Body, err = body(in, e.op.Opaque); err != nil {
		return Response{}, err
	}
	if err := e.verify(ctx, r.Header, r.Body); err != nil {
		return Response{}, err
	}
	target := url.URL{Path: in.Path, RawQuery: r.Query.Encode()}
	req, err := http.NewRequestWithContext(ctx, in.HTTPMethod, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return Response{}, errRequest.Because(err)
	}
	req.Header = r.Header
	if err := e.op.Validate(req, r.Path); err != nil {
		return Response{}, err
	}
	r.formerly = idempotency.Hash([]byte(in.Path), r.Body)
	if r.Body, err = io.ReadAll(req.Body); err != nil {
		return Response{}, errRequest.Because(err)
	}
	if e.op.Public {
		return e.handle(ctx, r)
	}
	return e.audited(ctx, r)
}

// Decode reads the body, which has been validated, into a T.
func Decode[T any](r *Request) (T, error) {
	var v T
	if err := json.Unmarshal(r.Body, &v); err != nil {
		return v, errRequest.Because(err)
	}
	return v, nil
}

var (
	errRequest = fault.New(fault.Invalid, "MalformedRequest", "the request cannot be read")
	errBody    = fault.New(fault.TooLarge, "BodyTooLarge", "the request body is larger than 64 KiB")
	errGroup   = fault.New(fault.Forbidden, "Forbidden", "this operation needs a role that you do not have")
)

// body returns the request's body. The protocol of an opaque one has its own limit and error.
func body(in events.APIGatewayProxyRequest, opaque bool) ([]byte, error) {
	b := []byte(in.Body)
	if in.IsBase64Encoded {
		var err error
		if b, err = base64.StdEncoding.DecodeString(in.Body); err != nil {
			return nil, errRequest.Because(err)
		}
	}
	if len(b) > MaxBody && !opaque {
		return nil, errBody
	}
	return b, nil
}

func header(in events.APIGatewayProxyRequest) http.Header {
	h := http.Header{}
	for name, values := range in.MultiValueHeaders {
		for _, v := range values {
			h.Add(name, v)
		}
	}
	for name, v := range in.Headers {
		if h.Get(name) == "" {
			h.Set(name, v)
		}
	}
	return h
}

func encode(res Response) ([]byte, error) {
	out := events.APIGatewayProxyResponse{StatusCode: res.Status, Headers: map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	}}
	switch body := res.Body.(type) {
	case nil:
	case Bytes:
		if out.Body = string(body); !utf8.Valid(body) {
			out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
	default:
		b, err := json.Marshal(body)
		if err != nil {
			slog.Error("response cannot be encoded", "error", err)
			return nil, err
		}
		out.Body = string(b)
		out.Headers["Content-Type"] = "application/json"
	}
	if res.headOnly {
		out.Body, out.IsBase64Encoded = "", false
	}
	for name, v := range res.Header {
		out.Headers[name] = v
	}
	return json.Marshal(out)
}
