package function

import (
	"context"
	"io"
	"log/slog"
)

type logAttrs struct{}

// WithLogAttrs returns a context whose log lines carry attrs as well. They must be
// identifiers, never personal or payment data.
func WithLogAttrs(ctx context.Context, attrs ...slog.Attr) context.Context {
	old, _ := ctx.Value(logAttrs{}).([]slog.Attr)
	return context.WithValue(ctx, logAttrs{}, append(old[:len(old):len(old)], attrs...))
}

// Logger writes JSON lines with the function's name and the context's attributes.
func Logger(w io.Writer, name string) *slog.Logger {
	return slog.New(contextHandler{slog.NewJSONHandler(w, nil)}).With("function", name)
}

type contextHandler struct{ slog.Handler }

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	attrs, _ := ctx.Value(logAttrs{}).([]slog.Attr)
	r.AddAttrs(attrs...)
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs)}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name)}
}
