package function

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/redact"
	"orderflow/internal/platform/tracing"
)

type logAttrs struct{}

// WithLogAttrs returns a context whose log lines carry attrs as well. They must be
// identifiers, never personal or payment data.
func WithLogAttrs(ctx context.Context, attrs ...slog.Attr) context.Context {
	return context.WithValue(ctx, logAttrs{}, append(without(LogAttrs(ctx), func(key string) bool { return has(attrs, key) }), attrs...))
}

// without returns a copy of attrs that lacks those whose key is taken: a line with a key twice means something else to every reader.
func without(attrs []slog.Attr, taken func(key string) bool) []slog.Attr {
	left := make([]slog.Attr, 0, len(attrs)+2)
	for _, a := range attrs {
		if !taken(a.Key) {
			left = append(left, a)
		}
	}
	return left
}

func has(attrs []slog.Attr, key string) bool {
	return slices.ContainsFunc(attrs, func(a slog.Attr) bool { return a.Key == key })
}

// LogAttrs returns what every log line of ctx carries.
func LogAttrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(logAttrs{}).([]slog.Attr)
	return attrs
}

type notes struct{}

// withNote returns a context for Note.
func withNote(ctx context.Context) context.Context {
	return context.WithValue(ctx, notes{}, new([]slog.Attr))
}

// Note makes what is told of the invocation as a whole, such as that it failed, carry what the lines of ctx carry. It is
// for invocations that are about one thing.
func Note(ctx context.Context) {
	if attrs, ok := ctx.Value(notes{}).(*[]slog.Attr); ok {
		*attrs = LogAttrs(ctx)
	}
}

// noted returns a context whose lines carry what Note was given.
func noted(ctx context.Context) context.Context {
	if attrs, ok := ctx.Value(notes{}).(*[]slog.Attr); ok && len(*attrs) > 0 {
		return context.WithValue(ctx, logAttrs{}, *attrs)
	}
	return ctx
}

// failure is what an error says. One with a name for a state machine would otherwise print as a Go value.
func failure(err error) string {
	var named messages.InvokeResponse_Error
	switch {
	case !errors.As(err, &named):
		return err.Error()
	case strings.HasPrefix(named.Message, named.Type):
		return named.Message
	}
	return named.Type + ": " + named.Message
}

// Verbosity says which lines are logged.
type Verbosity struct {
	// Min is the lowest level of them.
	Min slog.Level
	// DebugRatio is the share of traces, 0 to 1, of which the debug lines are logged as well. All functions that a trace
	// comes by agree on it, so of an order there are either all or none.
	DebugRatio float64
}

// debugRatio is the share where LOG_DEBUG_RATIO says none: an order's debug lines are about twice as many as all its other lines.
const debugRatio = 0.01

// verbosity reads LOG_LEVEL (debug, info, warn, error) and LOG_DEBUG_RATIO. What cannot be read counts as not set: a function must
// not fail to start over how much it tells.
func verbosity(lookup func(string) (string, bool)) Verbosity {
	v := Verbosity{Min: slog.LevelInfo, DebugRatio: debugRatio}
	if s, ok := lookup("LOG_LEVEL"); ok && v.Min.UnmarshalText([]byte(s)) != nil {
		v.Min = slog.LevelInfo
	}
	if s, ok := lookup("LOG_DEBUG_RATIO"); ok {
		if ratio, err := strconv.ParseFloat(s, 64); err == nil && ratio >= 0 && ratio <= 1 {
			v.DebugRatio = ratio
		}
	}
	return v
}

// Logger writes JSON lines with the function's name and the context's attributes, from level INFO on.
func Logger(w io.Writer, name string) *slog.Logger { return LoggerOf(w, name, Verbosity{}) }

// LoggerOf is Logger with a verbosity. Whatever is personal or payment data or a secret, by its name or its form, is masked (package redact).
func LoggerOf(w io.Writer, name string, v Verbosity) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: redact.Attr})
	return slog.New(contextHandler{lines, v}).With("function", name)
}

type contextHandler struct {
	slog.Handler
	Verbosity
}

// Enabled lets through what is at least of the level, and debug lines of sampled traces.
func (h contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.Min || level == slog.LevelDebug && h.Min <= slog.LevelInfo && sampled(tracing.TraceID(ctx), h.DebugRatio)
}

// sampled decides by the last 13 hexadecimal digits of a trace's id, which are random also where its first ones tell the time, as X-Ray's do.
func sampled(traceID string, ratio float64) bool {
	const digits = 13 // 52 bits, which a float64 holds exactly
	if ratio <= 0 || len(traceID) < digits {
		return false
	}
	n, err := strconv.ParseUint(traceID[len(traceID)-digits:], 16, 64)
	return err == nil && float64(n) < ratio*float64(uint64(1)<<(4*digits))
}

func (h contextHandler) Handle(ctx context.Context, r slog.Record) error {
	var own []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		own = append(own, a)
		return true
	})
	r = r.Clone()
	r.AddAttrs(without(LogAttrs(ctx), func(key string) bool { return has(own, key) })...)
	return h.Handler.Handle(ctx, r)
}

func (h contextHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextHandler{h.Handler.WithAttrs(attrs), h.Verbosity}
}

func (h contextHandler) WithGroup(name string) slog.Handler {
	return contextHandler{h.Handler.WithGroup(name), h.Verbosity}
}
