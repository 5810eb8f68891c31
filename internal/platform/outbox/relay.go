// Package outbox publishes the events of the services' tables. An event is written with its
// business change, in the attribute Attribute of an item that the change writes anyway. The stream
// of the table invokes relay-events, which publishes the event to the service's topic. What it
// cannot publish it puts aside as an item of its own, which a sweep publishes and deletes. So an
// event is published at least once; consumers recognise duplicates by its id. (Pattern:
// transactional outbox with log tailing.)
//
// Events can also be items of their own from the beginning: those that come without a change, and
// those of the previous release. The relay publishes them from the stream, too, and deletes them.
package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
)

// Attribute is the attribute of an item with the events of its last write, a JSON array. A write
// without events removes it, so in an image of the stream it has the events of exactly that write.
const Attribute = "outbox"

// Item is an event in the outbox. The keys are those of its own item; an event that is an attribute
// of another item has none.
type Item struct {
	PK, SK string
	Event  envelope.Event
}

// Topic publishes events. failed maps the ids of refused events to their errors.
type Topic interface {
	Publish(ctx context.Context, batch []envelope.Event) (failed map[string]error, err error)
}

// Store keeps the events that are items of their own.
type Store interface {
	// DeletePublished deletes published items. Deleting a missing item is not an error.
	DeletePublished(ctx context.Context, items []Item) error
	// PutAside makes events items of their own, for a sweep. The stream does not pass them to the
	// relay again.
	PutAside(ctx context.Context, events []envelope.Event) error
}

// changes is a batch of a table's stream. Only what the relay reads is decoded.
type changes struct {
	Records []struct {
		Change struct{ NewImage image } `json:"dynamodb"`
	}
}

// image is a written item. Attributes that are not strings are nil.
type image struct {
	PK     struct{ S *string } `json:"pk"`
	SK     struct{ S *string } `json:"sk"`
	Event  struct{ S *string } `json:"event"`
	Events struct{ S *string } `json:"outbox"` // Attribute
}

// Heartbeat is the item that a sweep writes and the relay deletes, with no event. If the next sweep
// finds it, the stream does not reach the relay.
var Heartbeat = Item{PK: "relay", SK: "heartbeat"}

// batch is how many events SNS accepts in one call.
const batch = 10

// Relay returns the function behind a table's stream, which must be filtered to inserted outbox
// items and to items with Attribute. It publishes, puts aside and deletes what it can, and fails if
// anything is left. The stream then retries the batch in halves until the failing item is alone,
// and parks that item in the failure destination. Events published before are published again;
// consumers drop the duplicates.
//
// It does not report the failed items (ReportBatchItemFailures), because one emulator takes that
// for success and drops them: see docs/verification.md.
func Relay(topic Topic, store Store, c clock.Clock) function.Handler {
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var in changes
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		var items []Item
		var failed error
		for _, r := range in.Records {
			if pk := r.Change.NewImage.PK.S; pk != nil && *pk == Heartbeat.PK {
				failed = errors.Join(failed, store.DeletePublished(ctx, []Item{Heartbeat}))
			}
			written, err := parse(r.Change.NewImage)
			items, failed = append(items, written...), errors.Join(failed, err)
		}
		for chunk := range slices.Chunk(items, batch) {
			_, err := publish(ctx, topic, store, c, chunk)
			failed = errors.Join(failed, err)
		}
		return nil, failed
	})
}

// parse returns the events of a written item.
func parse(i image) (items []Item, failed error) {
	if i.Events.S != nil {
		return parseAll(*i.Events.S)
	}
	if i.PK.S == nil || i.SK.S == nil || i.Event.S == nil {
		return nil, envelope.ErrMalformed
	}
	e, err := envelope.Parse([]byte(*i.Event.S))
	if err != nil {
		return nil, err
	}
	return []Item{{PK: *i.PK.S, SK: *i.SK.S, Event: e}}, nil
}

// parseAll returns the events of an Attribute.
func parseAll(all string) (items []Item, failed error) {
	var bodies []json.RawMessage
	if err := json.Unmarshal([]byte(all), &bodies); err != nil {
		return nil, envelope.ErrMalformed
	}
	for _, body := range bodies {
		e, err := envelope.Parse(body)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		items = append(items, Item{Event: e})
	}
	return items, failed
}
