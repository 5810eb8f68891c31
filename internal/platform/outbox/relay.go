// Package outbox publishes what services wrote into their outbox: the stream of a service's
// table calls relay-events, which sends each event to the service's topic and then
// deletes it from the outbox. An event is thus published at least once; consumers
// tell duplicates by its id. (Pattern: transactional outbox with log tailing.)
package outbox

import (
	"context"
	"encoding/json"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
)

// Item is an event in the outbox.
type Item struct {
	PK, SK string
	Event  envelope.Event
}

// Topic publishes events; it returns the ids of those that were not accepted.
type Topic interface {
	Publish(ctx context.Context, batch []envelope.Event) (failed map[string]error, err error)
}

// Store deletes published items; deleting one that is gone is no error.
type Store interface {
	DeletePublished(ctx context.Context, items []Item) error
}

// batch is how many events SNS takes at once.
const batch = 10

// Relay returns the function behind a table's stream, which must be filtered to inserted
// outbox items. Items are published in order; the answer names the first that
// failed, and the stream delivers again from there.
func Relay(topic Topic, store Store) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in events.DynamoDBEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		answer := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		for start := 0; start < len(in.Records); start += batch {
			records := in.Records[start:min(start+batch, len(in.Records))]
			if bad, err := relay(ctx, topic, store, records); err != nil {
				slog.WarnContext(ctx, "events not published", "from", bad, "error", err.Error())
				answer.BatchItemFailures = append(answer.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: bad})
				break
			}
		}
		return json.Marshal(answer)
	})
}

// relay publishes records; on an error, bad is the sequence number of the first not published.
func relay(ctx context.Context, topic Topic, store Store, records []events.DynamoDBEventRecord) (bad string, err error) {
	items := make([]Item, 0, len(records))
	batch := make([]envelope.Event, 0, len(records))
	for _, r := range records {
		item, err := parse(r)
		if err != nil {
			return r.Change.SequenceNumber, err
		}
		items, batch = append(items, item), append(batch, item.Event)
	}
	failed, err := topic.Publish(ctx, batch)
	if err != nil {
		return records[0].Change.SequenceNumber, err
	}
	published := items[:0:0]
	for i, item := range items {
		if e, no := failed[item.Event.ID]; no {
			if err == nil {
				bad, err = records[i].Change.SequenceNumber, e
			}
			continue
		}
		published = append(published, item)
	}
	if e := store.DeletePublished(ctx, published); e != nil && err == nil {
		// Published but still there: publish again rather than leave it behind.
		return records[0].Change.SequenceNumber, e
	}
	return bad, err
}

func parse(r events.DynamoDBEventRecord) (Item, error) {
	image := r.Change.NewImage
	for _, name := range []string{"pk", "sk", "event"} {
		if v, ok := image[name]; !ok || v.DataType() != events.DataTypeString {
			return Item{}, envelope.ErrMalformed
		}
	}
	e, err := envelope.Parse([]byte(image["event"].String()))
	return Item{PK: image["pk"].String(), SK: image["sk"].String(), Event: e}, err
}
