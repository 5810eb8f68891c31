// Package stream sends the callbacks that the stream of the ledger table announces.
package stream

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
	"orderflow/sandbox/carrier"
)

var errRecord = errors.New("the stream record is not a callback item")

// Handle returns the stream's function. The stream must be filtered to inserted callback items. It
// tries every record of a batch. If one fails, the whole batch is retried, but callbacks that were
// accepted are not sent again.
func Handle(send func(context.Context, carrier.Due) error) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in events.DynamoDBEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		var failed []error
		for _, r := range in.Records {
			due, err := parse(r)
			if err == nil {
				ctx := function.Traced(ctx, due.TraceParent)
				ctx = function.WithLogAttrs(ctx, slog.String("reference", due.Reference))
				ctx, span := tracing.Start(ctx, "send callback", tracing.Consumer, tracing.Order(due.Reference))
				err = send(ctx, due)
				tracing.End(span, err)
			}
			failed = append(failed, err)
		}
		return []byte(`{}`), errors.Join(failed...)
	})
}

func parse(r events.DynamoDBEventRecord) (carrier.Due, error) {
	image := r.Change.NewImage
	var due carrier.Due
	for name, to := range map[string]*string{"reference": &due.Reference, "traceparent": &due.TraceParent} {
		v, ok := image[name]
		if !ok || v.DataType() != events.DataTypeString {
			return due, errRecord
		}
		*to = v.String()
	}
	return due, nil
}
