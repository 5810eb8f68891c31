// Package source turns a handler of messages into a Lambda function behind a RabbitMQ event source.
//
// That source has no partial failures: after a failed invocation the broker delivers the whole
// batch again, at once and without end. So a handler must be idempotent, and must not fail because
// of what a message says.
package source

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/function"
	"orderflow/internal/platform/tracing"
)

// Message is a message. ID and Type are empty if it has none.
type Message struct {
	ID, Type string
	Body     []byte
}

// Messages returns the function behind a source. It passes each message to handle, also after one
// has failed, and fails if one has.
func Messages(handle func(ctx context.Context, m Message) error) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var batch events.RabbitMQEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			return nil, err
		}
		var failed []error
		for _, queue := range slices.Sorted(maps.Keys(batch.MessagesByQueue)) {
			for _, m := range batch.MessagesByQueue[queue] {
				failed = append(failed, one(ctx, m, handle))
			}
		}
		return nil, errors.Join(failed...)
	})
}

func one(ctx context.Context, m events.RabbitMQMessage, handle func(context.Context, Message) error) error {
	ctx = function.Traced(ctx, header(m, "traceparent"))
	ctx, span := tracing.Start(ctx, "process message", tracing.Consumer)
	p := m.BasicProperties
	message := Message{ID: deref(p.MessageID), Type: deref(p.Type), Body: body(m)}
	if m.Redelivered {
		ctx = function.WithLogAttrs(ctx, slog.Bool("redelivered", true))
	}
	err := handle(ctx, message)
	if err != nil {
		slog.WarnContext(ctx, "message not handled", "error", err.Error())
	}
	tracing.End(span, err)
	return err
}

// body decodes the body. One that is not Base64 is passed on as it is, for the handler to refuse.
func body(m events.RabbitMQMessage) []byte {
	b, err := base64.StdEncoding.DecodeString(m.Data)
	if err != nil {
		return []byte(m.Data)
	}
	return b
}

// header returns a header's text, which the source passes as {"bytes":[…]}.
func header(m events.RabbitMQMessage, name string) string {
	value, _ := m.BasicProperties.Headers[name].(map[string]any)
	list, _ := value["bytes"].([]any)
	var text []byte
	for _, v := range list {
		if n, ok := v.(float64); ok && 0 <= n && n <= 0xff {
			text = append(text, byte(n))
		}
	}
	return string(text)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
