package host

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"orderflow/internal/host/delivery"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
)

const (
	// relayBatch is how many events a relay gets per invocation, as from a table's stream.
	relayBatch = 20
	// relayPause is the wait after a failed relay.
	relayPause = time.Second
	// relayTries is how often a batch is tried.
	relayTries = 10
)

// stream hands the events written to a log to the relay of its service, in order, as a table's
// stream does.
type stream struct {
	memdb.Open
	log     *memdb.Log
	relay   string
	invoke  delivery.Invoke
	written chan struct{} // holds one if events may be waiting

	mu    sync.Mutex
	taken []envelope.Event // taken from the log, not relayed yet
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

// run relays until ctx ends. The next run relays the events that it took but did not relay.
func (s *stream) run(ctx context.Context) {
	for ctx.Err() == nil {
		batch := s.take()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-s.written:
			}
		} else if s.hand(ctx, batch) == nil {
			s.relayed(len(batch))
		}
	}
}

// take returns the next batch, and the same one again until it is relayed.
func (s *stream) take() []envelope.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.taken) == 0 {
		s.taken = s.log.TakeOutbox()
	}
	return s.taken[:min(len(s.taken), relayBatch)]
}

func (s *stream) relayed(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = s.taken[n:]
}

// left is the number of events not relayed yet.
func (s *stream) left(ctx context.Context) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, _ := s.log.Outbox(ctx) // never fails
	return len(waiting) + len(s.taken)
}

// hand repeats a batch until the relay accepts it or the attempts are used up, then puts it aside.
// It fails if ctx ends first.
func (s *stream) hand(ctx context.Context, batch []envelope.Event) error {
	payload, err := written(batch)
	if err != nil {
		slog.ErrorContext(ctx, "events not relayed", "relay", s.relay, "error", err.Error())
		return nil // they never can be
	}
	for tries := 1; ; tries++ {
		if _, err = s.invoke(ctx, s.relay, payload); err == nil {
			return nil
		}
		slog.WarnContext(ctx, "events not relayed yet", "relay", s.relay, "error", err.Error())
		if tries == relayTries {
			return s.putAside(ctx, batch)
		}
		if err = clock.Sleep(ctx, relayPause); err != nil {
			return err
		}
	}
}

// putAside leaves events to the relay's sweep, which takes them one by one, so that later events
// need not wait.
func (s *stream) putAside(ctx context.Context, batch []envelope.Event) error {
	items := make([]outbox.Item, len(batch))
	for i, e := range batch {
		items[i].Event = e
	}
	slog.ErrorContext(ctx, "events put aside", "relay", s.relay, "events", len(items))
	return s.log.PutAside(ctx, items)
}

// aside is how many events wait for the sweep.
func (s *stream) aside(ctx context.Context) int { return waiting(ctx, s.relay, s.log) }

// waiting counts the events that were put aside.
func waiting(ctx context.Context, relay string, log outbox.Swept) int {
	items, err := log.Waiting(ctx)
	if err != nil {
		slog.WarnContext(ctx, "events put aside cannot be read", "relay", relay, "error", err.Error())
	}
	return len(items)
}

// written returns a stream batch with the write of one item that has these events.
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
