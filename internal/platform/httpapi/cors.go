package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
)

// What a page of another origin may send and read
// (https://fetch.spec.whatwg.org/#http-cors-protocol). Credentials are not allowed: callers
// authenticate by bearer token.
const (
	corsMethods = "GET, HEAD, POST, PUT"
	corsHeaders = "Authorization, Content-Type, Idempotency-Key, X-Request-Timeout-Ms, traceparent, tracestate, " +
		"Connect-Protocol-Version, Connect-Timeout-Ms, Grpc-Timeout, X-Grpc-Web, X-User-Agent"
	corsExposed = "Location, Retry-After, Idempotent-Replayed, x-amzn-RequestId, X-Amzn-Trace-Id, " +
		"Grpc-Status, Grpc-Message, Grpc-Status-Details-Bin"
	// corsMaxAge is how long a browser caches a preflight, in seconds. Chromium allows no more.
	corsMaxAge = "7200"
)

// origins are the origins whose pages may call the API.
type origins []string

// allowedOrigins reads ALLOWED_ORIGINS, a comma-separated list.
func allowedOrigins(env *function.Env) origins {
	return strings.FieldsFunc(env.Optional("ALLOWED_ORIGINS"), func(r rune) bool { return r == ',' || r == ' ' })
}

// headers returns the CORS headers of a response. If there are allowed origins, every response
// varies by origin, and caches must know it.
func (o origins) headers(origin string) map[string]string {
	switch {
	case len(o) == 0:
		return nil
	case !slices.Contains(o, origin):
		return map[string]string{"Vary": "Origin"}
	}
	return map[string]string{
		"Vary": "Origin", "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": corsExposed,
	}
}

// preflight returns the headers of the response to a preflight request.
func (o origins) preflight(origin string) map[string]string {
	header := o.headers(origin)
	if header["Access-Control-Allow-Origin"] != "" {
		delete(header, "Access-Control-Expose-Headers")
		header["Access-Control-Allow-Methods"], header["Access-Control-Allow-Headers"] = corsMethods, corsHeaders
		header["Access-Control-Max-Age"] = corsMaxAge
	}
	return header
}

// WithPreflights returns a function that answers all OPTIONS requests and passes others to next.
func WithPreflights(next function.Handler) function.Handler { return &preflights{next: next} }

type preflights struct {
	next    function.Handler
	origins origins
}

// Invoke answers a request from API Gateway.
func (p *preflights) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in events.APIGatewayProxyRequest
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	if in.HTTPMethod != http.MethodOptions {
		return p.next.Invoke(ctx, payload)
	}
	return encode(Response{Status: http.StatusNoContent, Header: p.origins.preflight(header(in).Get("Origin"))})
}

// Configure reads the origins from the environment.
func (p *preflights) Configure(env *function.Env) {
	p.origins = allowedOrigins(env)
	function.Configure(p.next, env)
}
