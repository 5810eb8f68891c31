package host

import (
	"context"
	"encoding/json"
	"log/slog"
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
	taken   []envelope.Event
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

// run relays until ctx ends. What it has taken by then is left for the next run.
func (s *stream) run(ctx context.Context) {
	for ctx.Err() == nil {
		if len(s.taken) == 0 {
			s.taken = s.log.TakeOutbox()
		}
		n := min(len(s.taken), relayBatch)
		if n == 0 {
			select {
			case <-ctx.Done():
			case <-s.written:
			}
		} else if s.hand(ctx, s.taken[:n]) == nil {
			s.taken = s.taken[n:]
		}
	}
}

// hand hands a batch over until the relay accepts it. It fails if ctx ends before.
func (s *stream) hand(ctx context.Context, batch []envelope.Event) error {
	payload, err := written(batch)
	if err != nil {
		slog.ErrorContext(ctx, "events not relayed", "relay", s.relay, "error", err.Error())
		return nil // they never can be
	}
	for {
		if _, err = s.invoke(ctx, s.relay, payload); err == nil {
			return nil
		}
		slog.WarnContext(ctx, "events not relayed yet", "relay", s.relay, "error", err.Error())
		if err = clock.Sleep(ctx, relayPause); err != nil {
			return err
		}
	}
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
