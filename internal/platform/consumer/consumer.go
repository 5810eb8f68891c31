// Package consumer turns an event handler into a Lambda function behind an SQS queue. Each
// message is answered for on its own: what fails is delivered again and ends in
// the dead-letter queue after its last attempt, the rest of the batch is done.
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

// Handler handles one event; it must be safe to call again for the same event.
type Handler func(ctx context.Context, e envelope.Event) error

// Validator checks an event against the schema of its type.
type Validator interface {
	Validate(e envelope.Event) error
}

// Handle returns the function behind the queue. Every event is validated before handle sees it. Events of retired types
// are done with unseen: the queue is not subscribed to them any more, but may hold some from before a release.
func Handle(schemas Validator, handle Handler, retired ...string) function.Handler {
	return Messages(Events(schemas, handle, retired...))
}

// Messages returns the function behind a queue whose messages need not be events of ours.
func Messages(handle func(ctx context.Context, body []byte) error) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			return nil, err
		}
		// The list must not be null: see docs/verification.md.
		failed := []events.SQSBatchItemFailure{}
		for _, m := range batch.Records {
			ctx := received(ctx, m)
			if err := handle(ctx, []byte(m.Body)); err != nil {
				slog.WarnContext(ctx, "event not handled", "error", err.Error())
				failed = append(failed, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return json.Marshal(events.SQSEventResponse{BatchItemFailures: failed})
	})
}

// Events reads and validates the event in a message, and hands it on with its trace, unless it is of a retired type.
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
		ctx = function.WithLogAttrs(ctx, slog.String("eventId", e.ID), slog.String("eventType", e.Type), slog.String("subject", e.Subject))
		ctx = about(ctx, e)
		if err = schemas.Validate(e); err == nil {
			err = handle(ctx, e)
		}
		tracing.End(span, err)
		return err
	}
}
