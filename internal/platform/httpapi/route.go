package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
)

// errRoute: API Gateway sent what this function does not serve; the integration is wrong.
var errRoute = fault.New(fault.Internal, "NoOperation", "this function does not serve the operation")

// Route returns the function that serves several operations, by the route that API Gateway has matched the request to. Each
// request is held to the rules of its own operation, as by Handle, so a caller who got at the wrong one would gain nothing by it.
func Route(operations map[string]HandlerFunc) function.Handler {
	handlers := routes{}
	for id, handle := range operations {
		e := newEndpoint(id, unverified, handle)
		handlers[route{e.op.Method, e.op.Path}] = e
	}
	return handlers
}

type route struct{ HTTPMethod, Resource string }

type routes map[route]function.Handler

// Invoke answers a request by the function of its operation.
func (h routes) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var to route
	if err := json.Unmarshal(payload, &to); err != nil {
		return nil, err
	}
	if to.HTTPMethod == http.MethodHead {
		to.HTTPMethod = http.MethodGet
	}
	if h := h[to]; h != nil {
		return h.Invoke(ctx, payload)
	}
	return encode(problem(ctx, to.Resource, errRoute))
}

// Configure configures the functions of all operations.
func (h routes) Configure(env *function.Env) {
	for _, one := range h {
		function.Configure(one, env)
	}
}
