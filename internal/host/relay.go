package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"orderflow/internal/host/delivery"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
)

const (
	// relayBatch is how many events a relay gets at a time, as from a table's stream.
	relayBatch = 20
	// relayPause is the wait after a failed relay.
	relayPause = time.Second
)

// stream hands the events that are written to a log to the relay of its service, in order, as the
// stream of a table does.
type stream struct {
	memdb.Open
	log     *memdb.Log
	relay   string
	invoke  delivery.Invoke
	written chan struct{} // holds one if events may be waiting
}

// newStream returns the stream of a log that is not used yet.
func newStream(service string, log *memdb.Log, invoke delivery.Invoke) *stream {
	s := &stream{log: log, relay: "relay-" + service + "-events", invoke: invoke, written: make(chan struct{}, 1)}
	log.Guard(s)
	return s
}

// Commit writes, and tells run of events; see memdb.Gate.
func (s *stream) Commit(with commit.With, write func(commit.With) error) error {
	err := write(with)
	if err == nil && len(with.Events) > 0 {
		select {
		case s.written <- struct{}{}:
		default:
		}
	}
	return err
}

// run relays until ctx ends.
func (s *stream) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.written:
		}
		for batch := range slices.Chunk(s.log.TakeOutbox(), relayBatch) {
			s.hand(ctx, batch)
		}
	}
}

// hand hands a batch over until the relay accepts it.
func (s *stream) hand(ctx context.Context, batch []envelope.Event) {
	payload, err := written(batch)
	for err == nil {
		if _, err = s.invoke(ctx, s.relay, payload); err == nil {
			return
		}
		slog.WarnContext(ctx, "events not relayed yet", "relay", s.relay, "error", err.Error())
		err = clock.Sleep(ctx, relayPause)
	}
	slog.ErrorContext(ctx, "events not relayed", "relay", s.relay, "error", err.Error())
}

// written returns a batch of a stream in which one item was written with these events.
func written(batch []envelope.Event) ([]byte, error) {
	all, err := json.Marshal(batch)
	if err != nil {
		return nil, err
	}
	type text struct{ S string }
	return json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventName": "MODIFY", "dynamodb": map[string]any{"NewImage": map[string]text{outbox.Attribute: {string(all)}}},
	}}})
}
