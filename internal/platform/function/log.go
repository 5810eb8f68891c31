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

// WithLogAttrs returns a context whose log lines have attrs as well. They must be identifiers,
// never personal or payment data.
func WithLogAttrs(ctx context.Context, attrs ...slog.Attr) context.Context {
	replaced := func(key string) bool { return has(attrs, key) }
	return context.WithValue(ctx, logAttrs{}, append(without(LogAttrs(ctx), replaced), attrs...))
}

// without returns a copy of attrs without the taken keys. A key must not occur twice in a line,
// because readers disagree about which one counts.
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

// LogAttrs returns the attributes of every log line of ctx.
func LogAttrs(ctx context.Context) []slog.Attr {
	attrs, _ := ctx.Value(logAttrs{}).([]slog.Attr)
	return attrs
}

type notes struct{}

// withNote returns a context for Note.
func withNote(ctx context.Context) context.Context {
	return context.WithValue(ctx, notes{}, new([]slog.Attr))
}

// Note adds the attributes of ctx to the lines about the invocation as a whole, such as its
// failure. It is for invocations with a single subject.
func Note(ctx context.Context) {
	if attrs, ok := ctx.Value(notes{}).(*[]slog.Attr); ok {
		*attrs = LogAttrs(ctx)
	}
}

// noted returns a context with the attributes that were passed to Note.
func noted(ctx context.Context) context.Context {
	if attrs, ok := ctx.Value(notes{}).(*[]slog.Attr); ok && len(*attrs) > 0 {
		return context.WithValue(ctx, logAttrs{}, *attrs)
	}
	return ctx
}

// errorText returns the text of an error. A named error for a state machine would otherwise print
// as a Go value.
func errorText(err error) string {
	var named messages.InvokeResponse_Error
	switch {
	case !errors.As(err, &named):
		return err.Error()
	case strings.HasPrefix(named.Message, named.Type):
		return named.Message
	}
	return named.Type + ": " + named.Message
}

// Verbosity selects the lines that are logged.
type Verbosity struct {
	// Min is the lowest level.
	Min slog.Level
	// DebugRatio is the share of traces, 0 to 1, whose debug lines are logged as well. All
	// functions agree about a trace, so an order has all of its debug lines or none.
	DebugRatio float64
}

// debugRatio is the default of LOG_DEBUG_RATIO. An order has about twice as many debug lines as
// other lines.
const debugRatio = 0.01

// verbosity reads LOG_LEVEL (debug, info, warn, error) and LOG_DEBUG_RATIO. An invalid value counts
// as not set: it must not prevent a function from starting.
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

// Logger writes JSON lines of level INFO and above, with the function's name and the attributes of
// the context.
func Logger(w io.Writer, name string) *slog.Logger { return LoggerOf(w, name, Verbosity{}) }

// LoggerOf is Logger with a verbosity. Personal data, payment data and secrets are masked by
// package redact.
func LoggerOf(w io.Writer, name string, v Verbosity) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: redact.Attr})
	return slog.New(contextHandler{lines, v}).With("function", name)
}

type contextHandler struct {
	slog.Handler
	Verbosity
}

// Enabled reports whether a line is logged: it has at least the minimum level, or it is a debug
// line of a sampled trace.
func (h contextHandler) Enabled(ctx context.Context, level slog.Level) bool {
	samples := level == slog.LevelDebug && h.Min <= slog.LevelInfo
	return level >= h.Min || samples && sampled(tracing.TraceID(ctx), h.DebugRatio)
}

// sampled decides by the last 13 hexadecimal digits of a trace's id. They are random even in
// X-Ray's ids, which begin with the time.
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
