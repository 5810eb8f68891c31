package delivery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
)

// Delivery has all queues and schedules.
type Delivery struct {
	queues    map[string]*Queue
	schedules []wiring.Schedule
	invoke    Invoke
	store     Store
	clock     clock.Clock
	ids       ids.Source
}

// New returns the queues and schedules of a wiring. Nothing is delivered before Run. drives reports
// whether this process holds the lease: functions that need it fail without it.
func New(
	w *wiring.Wiring, invoke Invoke, drives func() bool, store Store, c clock.Clock, source ids.Source,
) *Delivery {
	d := &Delivery{
		queues: map[string]*Queue{}, schedules: w.Schedules, invoke: invoke, store: store, clock: c, ids: source,
	}
	for name, settings := range w.Queues {
		d.queues[name] = &Queue{
			Name: name, settings: *settings, invoke: invoke, drives: drives, store: store, clock: c, ids: source,
			known: map[string]bool{},
		}
	}
	return d
}

// Queues returns all queues, by name.
func (d *Delivery) Queues() []*Queue {
	return slices.SortedFunc(maps.Values(d.queues), func(a, b *Queue) int { return cmp.Compare(a.Name, b.Name) })
}

// Queue returns the queue of a function, nil if it has none.
func (d *Delivery) Queue(function string) *Queue { return d.queues[function] }

// Run delivers until ctx ends and everything that it began has ended.
func (d *Delivery) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, q := range d.queues {
		running.Go(func() { q.run(ctx) })
	}
	for _, s := range d.schedules {
		running.Go(func() { d.repeat(ctx, s) })
	}
	running.Wait()
}

// repeat invokes a function by its schedule. The next call makes up for one that failed.
func (d *Delivery) repeat(ctx context.Context, s wiring.Schedule) {
	ticks := time.NewTicker(s.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if _, err := d.invoke(ctx, s.Function, s.Input); err != nil {
			slog.ErrorContext(ctx, "scheduled call failed", "function", s.Function, "error", err.Error())
		}
	}
}

// Topic is the topic of a service; see outbox.Topic.
type Topic struct {
	*Delivery
	Service string
}

// Publish sends events to the queues that subscribe to their types.
func (t Topic) Publish(ctx context.Context, batch []envelope.Event) (failed map[string]error, err error) {
	var all []Message
	for _, e := range batch {
		body, err := e.MarshalJSON()
		if err != nil {
			return nil, err
		}
		for _, q := range t.queues {
			if q.settings.Wants(t.Service, e.Type) {
				all = append(all, q.message(string(body)))
			}
		}
	}
	return nil, t.send(ctx, all)
}

// send keeps messages, then adds them to their queues.
func (d *Delivery) send(ctx context.Context, all []Message) error {
	if err := d.store.Keep(ctx, all); err != nil {
		return err
	}
	for _, m := range all {
		d.queues[m.Queue].add(m)
	}
	return nil
}

// Reach always succeeds; see readiness.Topic.
func (Topic) Reach(context.Context) error { return nil }

// Send sends a message to the queue of a function.
func (d *Delivery) Send(ctx context.Context, function, body string) error {
	q := d.queues[function]
	if q == nil {
		return fmt.Errorf("no queue %s", function)
	}
	return d.send(ctx, []Message{q.message(body)})
}

// Ended sends the end of an execution to the queues with a rule for it, as EventBridge does.
func (d *Delivery) Ended(ctx context.Context, machine, name, status string) error {
	body, err := json.Marshal(map[string]any{
		"version": "0", "id": d.ids.New(), "source": "aws.states", "time": d.clock.Now().UTC().Format(time.RFC3339),
		"detail-type": "Step Functions Execution Status Change",
		"detail":      map[string]any{"name": name, "status": status, "stateMachineArn": "::::::" + machine},
	})
	if err != nil {
		return err
	}
	var all []Message
	for _, q := range d.queues {
		if q.settings.WantsEnd(machine, status) {
			all = append(all, q.message(string(body)))
		}
	}
	return d.send(ctx, all)
}
