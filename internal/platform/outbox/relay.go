// Package outbox publishes what services wrote into their outbox: the stream of a service's
// table calls relay-events, which sends each event to the service's topic and then
// deletes it from the outbox. An event is thus published at least once; consumers
// tell duplicates by its id. (Pattern: transactional outbox with log tailing.)
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

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
// outbox items. It publishes what it can, deletes that, and fails if anything is left:
// the stream then delivers the batch again, halved time and again until the item that does not
// go through stands alone, and parks that one in the failure destination. What was
// published before is published again, which consumers do not mind.
//
// It does not answer with the failed items (ReportBatchItemFailures), since one emulator takes
// that for success and drops them: see docs/verification.md.
func Relay(topic Topic, store Store) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in events.DynamoDBEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		var failed error
		for records := range slices.Chunk(in.Records, batch) {
			failed = errors.Join(failed, relay(ctx, topic, store, records))
		}
		return nil, failed
	})
}

func relay(ctx context.Context, topic Topic, store Store, records []events.DynamoDBEventRecord) (failed error) {
	var items []Item
	for _, r := range records {
		item, err := parse(r)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		items = append(items, item)
	}
	if len(items) == 0 {
		return failed
	}
	_, err := publish(ctx, topic, store, items)
	return errors.Join(failed, err)
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
