package outbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/metrics"
	"orderflow/internal/platform/tracing"
)

// Patience is how old an event in the outbox must be for a sweep to take it: the stream delivers within seconds, so what is
// older was given up there, or lost.
const Patience = 10 * time.Minute

// Swept is an outbox that can be read.
type Swept interface {
	Store
	// Waiting returns what is in the outbox. With an error that is about single items comes all the rest.
	Waiting(ctx context.Context) ([]Item, error)
}

// Sweep publishes the events that are older than age and deletes them from the outbox, as the relay does; it returns how
// many. An event that the relay publishes at the same time goes out twice, which consumers do not mind. What
// cannot be published does not keep back the rest.
func Sweep(ctx context.Context, topic Topic, store Swept, c clock.Clock, age time.Duration) (int, error) {
	items, failed := store.Waiting(ctx)
	if len(items) > 0 {
		metrics.Since(ctx, metrics.OutboxAge, oldest(items))
	}
	before := c.Now().Add(-age)
	items = slices.DeleteFunc(items, func(i Item) bool { return i.Event.Time.After(before) })
	swept := 0
	for chunk := range slices.Chunk(items, batch) {
		n, err := publish(ctx, topic, store, chunk)
		swept, failed = swept+n, errors.Join(failed, err)
	}
	return swept, failed
}

// oldest returns the time of the first event that was written.
func oldest(items []Item) time.Time {
	return slices.MinFunc(items, func(a, b Item) int { return a.Event.Time.Compare(b.Event.Time) }).Event.Time
}

// publish sends up to ten events and deletes those that went out. Each has a span in its own trace; the calls that they
// share are told in the first one's.
func publish(ctx context.Context, topic Topic, store Store, items []Item) (int, error) {
	events, spans := make([]envelope.Event, len(items)), make([]trace.Span, len(items))
	for i := len(items) - 1; i >= 0; i-- {
		e := items[i].Event
		events[i] = e
		var in context.Context
		in, spans[i] = tracing.Start(tracing.With(ctx, e.TraceParent, e.XRayTraceHeader), "publish "+e.Type, tracing.Producer, e.Attributes()...)
		if i == 0 {
			ctx = in
		}
	}
	refused, err := topic.Publish(ctx, events)
	var failed error
	var published []Item
	if err == nil {
		for _, item := range items {
			if err, no := refused[item.Event.ID]; no {
				failed = errors.Join(failed, err)
				continue
			}
			logPublished(ctx, item.Event)
			published = append(published, item)
		}
		failed = errors.Join(failed, store.DeletePublished(ctx, published))
	}
	for i, span := range spans {
		tracing.End(span, cmp.Or(err, refused[events[i].ID]))
	}
	return len(published), errors.Join(err, failed)
}

// RelayAndSweep returns a Relay that also sweeps its outbox when its schedule calls it, with {"sweep":"outbox"}.
func RelayAndSweep(topic Topic, store Swept, c clock.Clock) function.Handler {
	relay := Relay(topic, store)
	return function.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		var tick struct {
			Sweep string `json:"sweep"`
		}
		if err := json.Unmarshal(payload, &tick); err != nil || tick.Sweep == "" {
			return relay.Invoke(ctx, payload)
		}
		ctx, span := tracing.Start(function.Traced(ctx), function.Name(), tracing.Internal)
		n, err := Sweep(ctx, topic, store, c, Patience)
		tracing.End(span, err)
		if n > 0 {
			slog.WarnContext(ctx, "published what the stream did not deliver", "events", n)
		}
		return nil, err
	})
}
