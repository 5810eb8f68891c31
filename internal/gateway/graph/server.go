// Package graph serves the GraphQL schema (api/schema.graphql) over the services' HTTP contract. It
// decides nothing: a field is a call of gateway.Shop or a part of one's result.
package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"orderflow/internal/gateway"
	"orderflow/internal/gateway/graph/exec"
	"orderflow/internal/platform/fault"
)

// maxErrors is the maximum number of errors of a response. A failed part is an error for each order
// or line.
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
	schema := exec.NewExecutableSchema(exec.Config{Resolvers: resolvers{shop}})
	e := executor.New(schema)
	e.AroundFields(known(schema.Schema().Types))
	e.SetParserTokenLimit(maxTokens)
	e.SetErrorPresenter(present)
	e.SetDisableSuggestion(!introspection) // they reveal the schema, too
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
		more := refusal(gateway.Unavailable, "%d more errors", len(out.Errors)-maxErrors)
		out.Errors = append(out.Errors[:maxErrors], more)
	}
	return out, true, nil
}

// call is the state that the fields of a request share.
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

// known refuses enumeration values that the schema does not have: a service may be newer than the
// schema.
func known(types map[string]*ast.Definition) graphql.FieldMiddleware {
	return func(ctx context.Context, next graphql.Resolver) (any, error) {
		v, err := next(ctx)
		enum := types[graphql.GetFieldContext(ctx).Field.Definition.Type.Name()]
		if err != nil || enum.Kind != ast.Enum {
			return v, err
		}
		name, ok := v.(string)
		if p, isPointer := v.(*string); isPointer && p != nil {
			name, ok = *p, true
		}
		if ok && enum.EnumValues.ForName(name) == nil {
			slog.WarnContext(ctx, "a service sent a value that the GraphQL schema does not have", "type", enum.Name)
			return nil, refusal("UnknownValue", "%s has a value that is newer than this schema", enum.Name)
		}
		return v, nil
	}
}

// refusal is an error of GraphQL itself.
func refusal(code, message string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(message, args...)
	err.Extensions = map[string]any{"code": code}
	return err
}

// present gives an error the code and detail of its problem, and hides its cause.
func present(ctx context.Context, err error) *gqlerror.Error {
	out := graphql.DefaultErrorPresenter(ctx, err)
	cause := out.Unwrap()
	if cause == nil { // an error of GraphQL itself
		switch out.Extensions["code"] {
		case nil, errcode.ParseFailed, errcode.ValidationFailed:
			out.Extensions = map[string]any{"code": errArgument.Code}
		}
		return out
	}
	if known := (*fault.Error)(nil); unreadArguments(ctx) && !errors.As(cause, &known) {
		cause = errArgument.Because(cause)
	}
	problem := gateway.Explain(cause)
	if c, ok := ctx.Value(callKey{}).(*call); ok && problem.Code == gateway.Unavailable {
		c.failed.Do(func() { // one log line for a request, however many order lines it concerns
			slog.WarnContext(ctx, "a GraphQL field failed", "path", out.Path.String(), "error", err.Error())
		})
	}
	out.Message, out.Extensions = problem.Detail, map[string]any{"code": problem.Code}
	return out
}

// unreadArguments reports whether the arguments of the field could not be read, so that it was not
// executed.
func unreadArguments(ctx context.Context) bool {
	f := graphql.GetFieldContext(ctx)
	return f != nil && f.Args == nil && len(f.Field.Definition.Arguments) > 0
}
