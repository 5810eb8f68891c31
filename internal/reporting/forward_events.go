package reporting

import (
	"bytes"
	"context"
	"encoding/json"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// ErrNotForTheLog refuses events of types that must not go into the log.
var ErrNotForTheLog = fault.New(fault.Invalid, "NotForTheLog", "events of this type do not go into the log")

// MessageOf returns the message that puts an event into the log, without personal data: see kept.
// Its key is the event's subject, so that all events about an order are in one partition.
func MessageOf(ctx context.Context, e envelope.Event) (Message, error) {
	allowed, known := kept[e.Type]
	if !known {
		return Message{}, ErrNotForTheLog
	}
	var data any
	in := json.NewDecoder(bytes.NewReader(e.Data))
	in.UseNumber()
	if err := in.Decode(&data); err != nil {
		return Message{}, envelope.ErrMalformed.Because(err)
	}
	data, some := allowed.of(data)
	if !some {
		return Message{}, envelope.ErrMalformed
	}
	value, err := json.Marshal(data)
	if err != nil {
		return Message{}, fault.New(fault.Internal, "UnencodableEvent", "event %s cannot be encoded", e.Type).
			Because(err)
	}
	all := headers(e)
	// The event's own trace context says where it began; this one says which step brought it here.
	all["traceparent"] = tracing.Parent(ctx)
	return Message{Topic: TopicOf(e.Type), Key: []byte(e.Subject), Headers: all, Value: value}, nil
}
