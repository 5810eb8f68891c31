// Package handler builds the function serve-graphql. It is a package of its own because others need
// not link, and start, the executor.
package handler

import (
	"context"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph"
	"orderflow/internal/gateway/services"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/httpapi"
	"orderflow/internal/platform/outbound"
)

// ServeGraphql composes the function serve-graphql. INTROSPECTION says whether clients may read the
// schema.
func ServeGraphql(env *function.Env) function.Handler {
	backends := services.New(outbound.New(env, "gateway", ddb.FromEnv(env)).To)
	return Serve(graph.New(backends, env.Require("INTROSPECTION") == "on"))
}

// graphQLResponse is the media type whose status tells whether the request was executed.
const graphQLResponse = "application/graphql-response+json"

// Serve returns the function that serves s.
func Serve(s *graph.Server) function.Handler {
	return httpapi.Handle("serveGraphql", func(ctx context.Context, r *httpapi.Request) (httpapi.Response, error) {
		in, err := httpapi.Decode[graph.Request](r)
		if err != nil {
			return httpapi.Response{}, err
		}
		out, valid, err := s.Serve(ctx, gateway.Caller{Authorization: r.Header.Get("Authorization")}, in)
		if err != nil {
			return httpapi.Response{}, err
		}
		res := httpapi.OK(out)
		if !valid { // without data: nothing was executed
			res.Body = map[string]any{"errors": out.Errors}
		}
		if accepts(r.Header.Values("Accept"), graphQLResponse) {
			res.Header = map[string]string{"Content-Type": graphQLResponse}
			if !valid {
				res.Status = http.StatusBadRequest
			}
		}
		return res, nil
	})
}

// accepts reports whether the values of an Accept header name a media type, and do not exclude it.
func accepts(accept []string, want string) bool {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil || media != want {
			continue
		}
		weight, err := strconv.ParseFloat(params["q"], 64)
		return err != nil || weight > 0
	}
	return false
}
