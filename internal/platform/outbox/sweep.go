package outbox

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/rawjson"
	"orderflow/internal/platform/tracing"
)

// SweepAge is the minimum age of an event that a sweep publishes, and of one that the relay puts
// aside because its topic is down. The stream delivers within seconds, so it has given up on older
// events or lost them.
const SweepAge = 10 * time.Minute

// Swept is an outbox that can be read.
type Swept interface {
	Store
	// Waiting returns all items in the outbox. If some cannot be read, it returns the others with
	// an error.
	Waiting(ctx context.Context) ([]Item, error)
	// Beat writes the Heartbeat again. If the relay has not deleted the previous one, the outbox
	// waits: since is when the first undeleted one was written.
	Beat(ctx context.Context) (since time.Time, waits bool, err error)
}

// Watched is an outbox that an operator looks at.
type Watched interface {
	// Waiting is as in Swept.
	Waiting(ctx context.Context) ([]Item, error)
	// Beating returns since when the Heartbeat exists, which the relay deletes within seconds;
	// false if there is none.
	Beating(ctx context.Context) (since time.Time, waits bool, err error)
}

// Sweep publishes the events older than age and deletes them from the outbox, as the relay does. It
// returns how many it published. It records the age of the oldest event, or of the heartbeat if
// that still waits. An event that the relay publishes at the same time is published twice;
// consumers drop the duplicate. An event that cannot be published does not stop the others.
func Sweep(ctx context.Context, topic Topic, store Swept, c clock.Clock, age time.Duration) (int, error) {
	items, failed := store.Waiting(ctx)
	since, waits, err := store.Beat(ctx)
	failed = errors.Join(failed, err)
	if at, waits := Oldest(items, since, waits); waits {
		metrics.Since(ctx, metrics.OutboxAge, at)
	}
	before := c.Now().Add(-age)
	items = slices.DeleteFunc(items, func(i Item) bool { return i.Event.Time.After(before) })
	swept := 0
	for chunk := range slices.Chunk(items, batch) {
		n, err := publish(ctx, topic, store, c, chunk)
		swept, failed = swept+n, errors.Join(failed, err)
	}
	return swept, failed
}

// Oldest returns since when the oldest event waits, or the heartbeat if it waits for longer; false
// if nothing waits.
func Oldest(items []Item, beat time.Time, beatWaits bool) (at time.Time, waits bool) {
	if beatWaits {
		at = beat
	}
	for _, i := range items {
		if at.IsZero() || i.Event.Time.Before(at) {
			at = i.Event.Time
		}
	}
	return at, !at.IsZero()
}

// publish publishes up to ten events, deletes the published ones and puts aside those that would
// hold up the stream. Each event gets a span in its own trace. The calls that they share are part
// of the first event's trace.
func publish(ctx context.Context, topic Topic, store Store, c clock.Clock, items []Item) (int, error) {
	events, spans := make([]envelope.Event, len(items)), make([]trace.Span, len(items))
	for i := len(items) - 1; i >= 0; i-- {
		e := items[i].Event
		events[i] = e
		own := tracing.With(ctx, e.TraceParent, e.XRayTraceHeader)
		own, spans[i] = tracing.Start(own, "publish "+e.Type, tracing.Producer, e.Attributes()...)
		if i == 0 {
			ctx = own
		}
	}
	refused, err := topic.Publish(ctx, events)
	late := c.Now().Add(-SweepAge)
	published := 0
	var failed error
	var done, aside []Item
	for i, item := range items {
		cause := cmp.Or(err, refused[item.Event.ID])
		embedded := item.PK == ""
		switch {
		case cause == nil:
			published++
			logPublished(ctx, item.Event)
			if !embedded {
				done = append(done, item)
			}
		case embedded && (err == nil || item.Event.Time.Before(late)):
			logPutAside(ctx, item.Event, cause)
			aside = append(aside, item)
		case !errors.Is(failed, cause): // a failed call has one cause for all
			failed = errors.Join(failed, cause)
		}
		tracing.End(spans[i], cause)
	}
	if err == nil {
		failed = errors.Join(failed, store.DeletePublished(ctx, done))
	}
	if len(aside) > 0 {
		failed = errors.Join(failed, store.PutAside(ctx, aside))
	}
	return published, failed
}

// RelayAndSweep returns a Relay that also sweeps its outbox when a schedule invokes it with
// {"sweep":"outbox"}.
func RelayAndSweep(topic Topic, store Swept, c clock.Clock) function.Handler {
	relay := Relay(topic, store, c)
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		if rawjson.String(payload, "sweep") == "" {
			return relay.Invoke(ctx, payload)
		}
		ctx, span := tracing.Start(function.Traced(ctx), function.Name(ctx), tracing.Internal)
		n, err := Sweep(ctx, topic, store, c, SweepAge)
		tracing.End(span, err)
		if n > 0 {
			slog.WarnContext(ctx, "published events that the stream did not deliver", "events", n)
		}
		return nil, err
	})
}
