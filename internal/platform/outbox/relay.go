// Package outbox publishes the events in the services' outboxes. The stream of a service's table
// invokes relay-events, which publishes each event to the service's topic and then deletes it from
// the outbox. So an event is published at least once; consumers recognise duplicates by its id.
// (Pattern: transactional outbox with log tailing.)
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

// Topic publishes events. failed maps the ids of refused events to their errors.
type Topic interface {
	Publish(ctx context.Context, batch []envelope.Event) (failed map[string]error, err error)
}

// Store deletes published items. Deleting a missing item is not an error.
type Store interface {
	DeletePublished(ctx context.Context, items []Item) error
}

// batch is how many events SNS accepts in one call.
const batch = 10

// Relay returns the function behind a table's stream, which must be filtered to inserted outbox
// items. It publishes and deletes what it can, and fails if anything is left. The stream then
// retries the batch in halves until the failing item is alone, and parks that item in the failure
// destination. Events published before are published again; consumers drop the duplicates.
//
// It does not report the failed items (ReportBatchItemFailures), because one emulator takes that
// for success and drops them: see docs/verification.md.
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
