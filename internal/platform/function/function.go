// Package function is the bootstrap of every Lambda function. It reads the environment, composes
// the handler once per process, and gives each invocation a logger and a trace.
package function

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

// Handler handles an invocation: it receives the event and returns the response.
type Handler interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

// HandlerFunc is a function that is a Handler.
type HandlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

// Invoke calls f.
func (f HandlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// Configurer is a handler that reads from the environment what all handlers of its kind need.
type Configurer interface {
	// Configure is called once, before the first invocation. env.Err reports missing variables.
	Configure(env *Env)
}

// Configure configures h if it is a Configurer.
func Configure(h Handler, env *Env) {
	if c, ok := h.(Configurer); ok {
		c.Configure(env)
	}
}

// Start composes the handler of a service's function and serves invocations until the process ends.
// If the composition fails, it logs all reasons and exits.
func Start(service, name string, compose func(*Env) Handler) {
	log := LoggerOf(os.Stdout, lambdacontext.FunctionName, verbosity(os.LookupEnv))
	slog.SetDefault(log)
	h, err := Compose(os.Stdout, NewEnv(os.LookupEnv, clock.System{}), service, name, compose)
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	lambda.Start(h)
}

// Compose builds the handler that Start serves. It writes metrics to out.
func Compose(out io.Writer, env *Env, service, name string, compose func(*Env) Handler) (Handler, error) {
	h := compose(env)
	Configure(h, env)
	if err := env.Err(); err != nil {
		return nil, err
	}
	who := program{service, name}
	h = withProgram(who, metered(out, env.Clock, env.lookup, who, h))
	return observe(traced(provider(env.lookup, cmp.Or(lambdacontext.FunctionName, name), env.Clock), h)), nil
}

// observe adds the request id to the log lines of every invocation and logs failures.
func observe(next Handler) HandlerFunc {
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		ctx = withNote(ctx)
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			ctx = WithLogAttrs(ctx, slog.String("requestId", lc.AwsRequestID))
		}
		out, err := next.Invoke(ctx, payload)
		if err != nil {
			slog.WarnContext(noted(ctx), "invocation failed", "error", errorText(err))
		}
		return out, err
	}
}

// NewEnv returns an environment over a lookup such as os.LookupEnv.
func NewEnv(lookup func(string) (string, bool), c clock.Clock) *Env {
	return &Env{Clock: c, IDs: ids.Random(c), lookup: lookup}
}
