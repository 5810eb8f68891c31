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
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
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
	// Malformed is text in the place of an event that cannot be read as one.
	Malformed string
}

// ID is the event's id. For text that is not an event, it is derived from the content.
func (i Item) ID() string {
	if i.Malformed == "" {
		return i.Event.ID
	}
	hash := sha256.Sum256([]byte(i.Malformed))
	return "malformed-" + hex.EncodeToString(hash[:8])
}

// Body is the event as JSON, or the malformed text.
func (i Item) Body() ([]byte, error) {
	if i.Malformed != "" {
		return []byte(i.Malformed), nil
	}
	return i.Event.MarshalJSON()
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
	// relay again. Sweeps fail until an operator deletes a malformed one.
	PutAside(ctx context.Context, items []Item) error
	// Heard deletes the heartbeat that was written at this time, and reports whether it was the
	// last. A later one stays.
	Heard(ctx context.Context, at string) (last bool, err error)
}

// image is a written item in a table's stream. Only what the relay reads is decoded. Attributes
// that are not strings are nil.
type image struct {
	PK     struct{ S *string } `json:"pk"`
	SK     struct{ S *string } `json:"sk"`
	At     struct{ S *string } `json:"at"`
	Since  struct{ S *string } `json:"since"`
	Event  struct{ S *string } `json:"event"`
	Events struct{ S *string } `json:"outbox"` // Attribute
}

// Heartbeat is the key of the item that each sweep writes and the relay deletes, with no event. If
// the next sweep finds it, the stream does not reach the relay, or has lost it.
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
		var in struct{ Records []json.RawMessage }
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		var items, malformed []Item
		var failed error
		for _, record := range in.Records {
			var r struct {
				Change struct{ NewImage image } `json:"dynamodb"`
			}
			err := json.Unmarshal(record, &r)
			if i := r.Change.NewImage; i.At.S != nil && i.PK.S != nil && *i.PK.S == Heartbeat.PK {
				last, err := store.Heard(ctx, *i.At.S)
				if failed = errors.Join(failed, err); last && i.Since.S != nil && *i.Since.S != *i.At.S {
					slog.WarnContext(ctx, "the stream reaches the relay again", "since", *i.Since.S)
				}
				continue
			}
			written := []Item{{Malformed: string(record)}}
			if err == nil {
				written = parse(r.Change.NewImage, string(record))
			}
			for _, item := range written {
				if item.Malformed != "" {
					logMalformed(ctx, item)
					malformed = append(malformed, item)
				} else {
					items = append(items, item)
				}
			}
		}
		// An item stays where it is. The sweep reads it, too.
		malformed = slices.DeleteFunc(malformed, func(i Item) bool { return i.PK != "" })
		for chunk := range slices.Chunk(malformed, batch) {
			failed = errors.Join(failed, store.PutAside(ctx, chunk))
		}
		for chunk := range slices.Chunk(items, batch) {
			_, err := publish(ctx, topic, store, c, chunk)
			failed = errors.Join(failed, err)
		}
		return nil, failed
	})
}

// parse returns the events of a written item, and texts that cannot be read as one.
func parse(i image, record string) []Item {
	if i.Events.S != nil {
		return parseAll(*i.Events.S)
	}
	if i.PK.S == nil || i.SK.S == nil {
		return []Item{{Malformed: record}}
	}
	item := Item{PK: *i.PK.S, SK: *i.SK.S, Malformed: record}
	if i.Event.S != nil {
		item = Read([]byte(*i.Event.S))
		item.PK, item.SK = *i.PK.S, *i.SK.S
	}
	return []Item{item}
}

// parseAll returns the events of an Attribute, and texts that cannot be read as one.
func parseAll(all string) (items []Item) {
	var bodies []json.RawMessage
	if err := json.Unmarshal([]byte(all), &bodies); err != nil {
		return []Item{{Malformed: cmp.Or(all, "nothing")}}
	}
	for _, body := range bodies {
		items = append(items, Read(body))
	}
	return items
}

// Read returns an event, or a malformed text.
func Read(body []byte) Item {
	e, err := envelope.Parse(body)
	if err != nil {
		return Item{Malformed: cmp.Or(string(body), "nothing")}
	}
	return Item{Event: e}
}
