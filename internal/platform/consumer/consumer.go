// Package consumer turns an event handler into a Lambda function behind an SQS queue. Messages of a
// batch fail one by one: a failed message is redelivered, and goes to the dead-letter queue after
// its last attempt.
package consumer

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
)

// Handler handles one event. It must be idempotent.
type Handler func(ctx context.Context, e envelope.Event) error

// Decoded handles events whose data is a T.
func Decoded[T any](handle func(ctx context.Context, e envelope.Event, data T) error) Handler {
	return func(ctx context.Context, e envelope.Event) error {
		data, err := envelope.Decode[T](e)
		if err != nil {
			return err
		}
		return handle(ctx, e, data)
	}
}

// Validator checks an event against the schema of its type.
type Validator interface {
	Validate(e envelope.Event) error
}

// Handle returns the function behind a queue. Events are validated before handle sees them. Events
// of retired types are dropped: the queue is no longer subscribed to them, but may still hold some.
func Handle(schemas Validator, handle Handler, retired ...string) function.Handler {
	return Messages(Events(schemas, handle, retired...))
}

// Messages returns the function behind a queue of any messages.
func Messages(handle func(ctx context.Context, body []byte) error) function.Handler {
	return batches(func(ctx context.Context, batch []events.SQSMessage, failed func(context.Context, int, error)) {
		for i, m := range batch {
			ctx := received(ctx, m)
			if err := handle(ctx, []byte(m.Body)); err != nil {
				failed(ctx, i, err)
			}
		}
	})
}

// Together returns the function behind a queue whose events are handled together. read prepares
// each valid event. handle gets all results of read, and returns an error for each.
func Together[T any](
	schemas Validator, read func(ctx context.Context, e envelope.Event) (T, error),
	handle func(ctx context.Context, all []T) []error,
) function.Handler {
	return batches(func(ctx context.Context, batch []events.SQSMessage, failed func(context.Context, int, error)) {
		var all []T
		var places []int
		for i, m := range batch {
			of := received(ctx, m)
			err := Events(schemas, func(ctx context.Context, e envelope.Event) error {
				one, err := read(ctx, e)
				if err == nil {
					all, places = append(all, one), append(places, i)
				}
				return err
			})(of, []byte(m.Body))
			if err != nil {
				failed(of, i, err)
			}
		}
		if len(all) == 0 {
			return
		}
		for i, err := range handle(ctx, all) {
			if err != nil {
				failed(withMessage(ctx, batch[places[i]]), places[i], err)
			}
		}
	})
}

// batches returns the function behind a queue. handle reports each message that failed.
func batches(
	handle func(ctx context.Context, batch []events.SQSMessage, failed func(context.Context, int, error)),
) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			return nil, err
		}
		// The list must not be null, see docs/verification.md.
		failures := []events.SQSBatchItemFailure{}
		handle(ctx, batch.Records, func(ctx context.Context, i int, err error) {
			slog.WarnContext(ctx, "event not handled", "error", err.Error())
			failures = append(failures, events.SQSBatchItemFailure{ItemIdentifier: batch.Records[i].MessageId})
		})
		return json.Marshal(events.SQSEventResponse{BatchItemFailures: failures})
	})
}

// Events parses and validates a message's event and handles it in its trace, unless retired.
func Events(schemas Validator, handle Handler, retired ...string) func(ctx context.Context, body []byte) error {
	return func(ctx context.Context, body []byte) error {
		e, err := envelope.Parse(body)
		if err != nil {
			return err
		}
		if slices.Contains(retired, e.Type) {
			return nil
		}
		ctx = function.Traced(ctx, e.TraceParent, e.XRayTraceHeader)
		ctx, span := tracing.Start(ctx, "process "+e.Type, tracing.Consumer, e.Attributes()...)
		ctx = withLogAttrs(ctx, e)
		if err = schemas.Validate(e); err == nil {
			err = handle(ctx, e)
		}
		tracing.End(span, err)
		return err
	}
}
