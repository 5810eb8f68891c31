package httpapi

import (
	"context"

	"orderflow/internal/platform/function"
)

// Get is an operation that reads one thing, named by a path parameter.
func Get[T, Form any](
	operation, parameter string, get func(ctx context.Context, id string) (T, error), form func(T) Form,
) function.Handler {
	return Handle(operation, func(ctx context.Context, r *Request) (Response, error) {
		found, err := get(ctx, r.Path[parameter])
		return OK(form(found)), err
	})
}

// Owned makes the operations that read customers' data. Customers see only their own, operators see
// all.
type Owned[T, Form any] struct {
	Owner func(T) string
	Form  func(T) Form
	// Missing is the answer for data that does not exist, and for data that the caller may not see.
	Missing error
}

// Get is an operation that reads one thing, named by a path parameter.
func (o Owned[T, Form]) Get(
	operation, parameter string, get func(ctx context.Context, id string) (T, error),
) function.Handler {
	return Handle(operation, func(ctx context.Context, r *Request) (Response, error) {
		found, err := get(ctx, r.Path[parameter])
		if err == nil && !r.Caller.MaySee(o.Owner(found)) {
			err = o.Missing
		}
		return OK(o.Form(found)), err
	})
}

// List is an operation that reads several things, named by a query parameter, without pages. It
// leaves out what the caller may not see. name is the name of the list in the answer.
func (o Owned[T, Form]) List(
	operation, name, parameter string, list func(ctx context.Context, ids []string) ([]T, error),
) function.Handler {
	return Handle(operation, func(ctx context.Context, r *Request) (Response, error) {
		found, err := list(ctx, r.Values(parameter))
		entries := []Form{}
		for _, v := range found {
			if r.Caller.MaySee(o.Owner(v)) {
				entries = append(entries, o.Form(v))
			}
		}
		return OK(map[string][]Form{name: entries}), err
	})
}
