// Package step turns a use case into a Lambda function that a state machine calls: JSON in, JSON
// out, and errors with names that Retry and Catch distinguish.
package step

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"go.opentelemetry.io/otel/attribute"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/redact"
	"orderflow/internal/platform/tracing"
)

// Transient is the name of all errors that are worth a retry. A final error's name is its code.
const Transient = "Transient"

var errInput = fault.New(fault.Invalid, "InvalidInput", "the step's input does not match its contract")

// Handle returns the function of a step.
func Handle[In, Out any](run func(context.Context, In) (Out, error)) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in In
		var order, parent string // every step's input may have them
		// The cause is dropped: it would quote the input, which may contain payment data.
		if json.Unmarshal(payload, &in) != nil ||
			rawjson.Decode(payload, "orderId", &order) != nil ||
			rawjson.Decode(payload, "traceparent", &parent) != nil {
			metrics.Count(ctx, metrics.StepDefects, 1, metrics.Step(function.Step(ctx)))
			return nil, named(errInput)
		}
		ctx = function.WithLogAttrs(function.Traced(ctx, parent), slog.String("orderId", order))
		ctx, span := tracing.Start(ctx, function.Name(ctx), tracing.Server,
			attribute.String("saga.step", function.Name(ctx)), tracing.Order(order))
		ctx, done := begin(ctx, order)
		out, err := run(ctx, in)
		done(err)
		tracing.End(span, err)
		if err != nil {
			return nil, named(err)
		}
		return json.Marshal(out)
	})
}

// named gives err the name that Step Functions sees. The runtime reports an InvokeResponse_Error
// unchanged; of any other error it reports the Go type.
func named(err error) messages.InvokeResponse_Error {
	e := fault.From(err)
	name := e.Code
	if e.Kind == fault.Transient {
		name = Transient
	}
	return messages.InvokeResponse_Error{Type: name, Message: redact.Text(err.Error())}
}
