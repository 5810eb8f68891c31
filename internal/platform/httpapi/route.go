package httpapi

import (
	"context"
	"encoding/json"

	"orderflow/api"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
)

// errRoute: API Gateway sent what this function does not serve; the integration is wrong.
var errRoute = fault.New(fault.Internal, "NoOperation", "this function does not serve the operation")

// Route returns the function that serves several operations, by the route that API Gateway has matched the request to. Each
// request is held to the rules of its own operation, as by Handle, so a caller who got at the wrong one would gain nothing by it.
func Route(operations map[string]HandlerFunc) (function.Handler, error) {
	type route struct{ HTTPMethod, Resource string }
	handlers := map[route]function.Handler{}
	for id, handle := range operations {
		op, err := api.Load(id)
		if err != nil {
			return nil, err
		}
		if handlers[route{op.Method, op.Path}], err = Handle(id, handle); err != nil {
			return nil, err
		}
	}
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var to route
		if err := json.Unmarshal(payload, &to); err != nil {
			return nil, err
		}
		if h := handlers[to]; h != nil {
			return h.Invoke(ctx, payload)
		}
		return encode(problem(ctx, to.Resource, errRoute))
	}), nil
}
