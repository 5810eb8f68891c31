package reporting

import (
	"context"
	"encoding/json"

	inventory "orderflow/internal/inventory/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

// withheld are the members of an event's data that do not go into the log: personal data, which
// nobody could delete there on request, and credentials. A carrier's page for a tracking number may
// show a name and a town. No report needs them.
var withheld = []string{
	"customerEmail", "shippingAddress", "paymentMethod", "resumeToken", "by", "trackingNumber",
}

// freeText is withheld from events whose reason is not a code, but what an operator or the
// warehouse wrote, which may name people.
var freeText = map[string]string{inventory.StockAdjusted: "reason"}

// MessageOf returns the message that puts an event into the log, without personal data. Its key is
// the event's subject, so that all events about an order are in one partition.
func MessageOf(ctx context.Context, e envelope.Event) (Message, error) {
	var data map[string]json.RawMessage
	if err := json.Unmarshal(e.Data, &data); err != nil {
		return Message{}, envelope.ErrMalformed.Because(err)
	}
	for _, name := range withheld {
		delete(data, name)
	}
	delete(data, freeText[e.Type])
	value, err := json.Marshal(data)
	if err != nil {
		return Message{}, fault.New(fault.Internal, "UnencodableEvent", "event %s cannot be encoded", e.Type).
			Because(err)
	}
	all := headers(e)
	// The event's own trace context says where it began; this one, by which step it came here.
	all["traceparent"] = tracing.Parent(ctx)
	return Message{Topic: TopicOf(e.Type), Key: []byte(e.Subject), Headers: all, Value: value}, nil
}
