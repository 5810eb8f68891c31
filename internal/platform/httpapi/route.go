package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
)

// errRoute means that API Gateway's integration names the wrong function.
var errRoute = fault.New(fault.Internal, "NoOperation", "this function does not serve the operation")

// Route returns a function that serves several operations, by the route that API Gateway has
// matched. Each request is checked against its own operation, as by Handle.
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

// Invoke passes the request to the function of its operation.
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
