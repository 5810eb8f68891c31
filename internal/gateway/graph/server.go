// Package graph serves the GraphQL schema (api/schema.graphql) over the services' HTTP contract. It
// decides nothing: a field is a call of gateway.Shop or a part of one's result.
package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph/exec"
)

// maxErrors is the most errors of a response. A part that fails is one for each order or line.
const maxErrors = 50

// Server executes GraphQL requests.
type Server struct {
	executor *executor.Executor
	// introspection allows __schema and __type.
	introspection bool
}

// Request is a GraphQL request (GraphQL over HTTP, 5.1).
type Request struct {
	Query         string         `json:"query"`
	OperationName string         `json:"operationName"`
	Variables     map[string]any `json:"variables"`
	// Extensions are ignored.
	Extensions map[string]any `json:"extensions"`
}

// UnmarshalJSON keeps numbers as they are written: an amount may need more digits than a float64
// has.
func (r *Request) UnmarshalJSON(b []byte) error {
	type plain Request
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode((*plain)(r))
}

// New returns a server over the services.
func New(shop gateway.Shop, introspection bool) *Server {
	e := executor.New(exec.NewExecutableSchema(exec.Config{Resolvers: resolvers{shop}}))
	e.SetParserTokenLimit(maxTokens)
	e.SetErrorPresenter(present)
	e.SetDisableSuggestion(!introspection) // they tell the schema, too
	e.SetRecoverFunc(func(ctx context.Context, panicked any) error {
		slog.ErrorContext(ctx, "a GraphQL field panicked", "panic", fmt.Sprint(panicked))
		return errPanic
	})
	return &Server{e, introspection}
}

// Serve executes a request. valid is false if it was refused before anything was executed. It fails
// if there is no time left to begin.
func (s *Server) Serve(
	ctx context.Context, as gateway.Caller, in Request,
) (out *graphql.Response, valid bool, err error) {
	ctx, cancel := gateway.Bounded(graphql.StartOperationTrace(ctx))
	defer cancel()
	op, refused := s.executor.CreateOperationContext(ctx, &graphql.RawParams{
		Query: in.Query, OperationName: in.OperationName, Variables: in.Variables,
	})
	if len(refused) == 0 {
		op.DisableIntrospection = !s.introspection
		refused = check(op)
	}
	if len(refused) > 0 {
		refused = refused[:min(len(refused), maxErrors)]
		return s.executor.DispatchError(graphql.WithOperationContext(ctx, op), refused), false, nil
	}
	run, ctx := s.executor.DispatchOperation(withCaller(ctx, as), op)
	if out = run(ctx); out == nil { // there was no time left to begin
		return nil, false, gateway.ErrUnavailable.Because(context.DeadlineExceeded)
	}
	if len(out.Errors) > maxErrors {
		more := gqlerror.Errorf("%d more errors", len(out.Errors)-maxErrors)
		more.Extensions = map[string]any{"code": gateway.Unavailable}
		out.Errors = append(out.Errors[:maxErrors], more)
	}
	return out, true, nil
}

// call is what the fields of a request share.
type call struct {
	as     gateway.Caller
	failed sync.Once
}

type callKey struct{}

func withCaller(ctx context.Context, as gateway.Caller) context.Context {
	return context.WithValue(ctx, callKey{}, &call{as: as})
}

func caller(ctx context.Context) (as gateway.Caller) {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		as = c.as
	}
	return as
}

// present gives an error the code and detail of its problem, and hides its cause.
func present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)
	if out.Unwrap() == nil { // an error of the request, from the parser or the validator
		if out.Extensions["code"] == nil {
			out.Extensions = map[string]any{"code": "InvalidRequest"}
		}
		return out
	}
	problem := gateway.Explain(out.Unwrap())
	if c, ok := ctx.Value(callKey{}).(*call); ok && problem.Code == gateway.Unavailable {
		c.failed.Do(func() { // one line for a request, however many lines of orders it is about
			slog.WarnContext(ctx, "a GraphQL field failed", "path", out.Path.String(), "error", err.Error())
		})
	}
	out.Message, out.Extensions = problem.Detail, map[string]any{"code": problem.Code}
	return out
}
