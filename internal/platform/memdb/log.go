// Package memdb is what the services' in-memory stores stand on: the same protocol
// as package ddb, under one mutex. Tests and the simulation run on it.
package memdb

import (
	"context"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/resilience"
)

// Log holds barrier records, idempotency records and the outbox of one service, and
// guards the business data of the store that embeds it.
type Log struct {
	gate     Gate
	mu       sync.Mutex
	clock    clock.Clock
	barriers map[barrier.Key]barrier.Record
	replies  map[[2]string]reply
	outbox   []envelope.Event
	circuits *Items[resilience.Circuit]
	kinds    []kind
}

type reply struct {
	idempotency.Record
	expires time.Time
}

// Gate stands between a log and its callers. The simulation is one: it holds callers up, lets calls
// fail or take effect without an answer, and sees what is written.
type Gate interface {
	// Look is called ahead of a read that cannot fail.
	Look()
	// Find is called ahead of a read that can; its error becomes the read's.
	Find() error
	// Commit is called in place of a write, which write carries out; its error becomes the write's.
	Commit(with commit.With, write func(commit.With) error) error
	// Saved is called as an item is written, with the attributes of it that the code does not know.
	// It returns those that the item has from then on: the same, unless it stands for another
	// version of the code.
	Saved(kind, key string, unknown Unknown) Unknown
}

// Open is the gate of a log that has none, and what gates are made of that do little else.
type Open struct{}

// Look does nothing; see Gate.
func (Open) Look() {}

// Find does nothing; see Gate.
func (Open) Find() error { return nil }

// Commit writes; see Gate.
func (Open) Commit(with commit.With, write func(commit.With) error) error { return write(with) }

// Saved leaves the item as it is; see Gate.
func (Open) Saved(_, _ string, unknown Unknown) Unknown { return unknown }

// Guard puts g between the log and its callers, before there are any.
func (l *Log) Guard(g Gate) { l.gate = g }

// NewLog returns an empty log.
func NewLog(c clock.Clock) *Log {
	l := &Log{gate: Open{}, clock: c, barriers: map[barrier.Key]barrier.Record{}, replies: map[[2]string]reply{}}
	l.circuits = NewItems[resilience.Circuit](l, "circuit", nil)
	return l
}

// Reach returns nil, unless the gate lets reads fail.
func (l *Log) Reach(context.Context) error { return l.gate.Find() }

// View runs read while nothing changes.
func (l *Log) View(read func()) {
	l.gate.Look()
	l.mu.Lock()
	defer l.mu.Unlock()
	read()
}

// Commit runs apply and records what comes with it, all or nothing: apply must check all
// its conditions before it changes anything, and return an error if one does not hold.
func (l *Log) Commit(with commit.With, apply func() error) error {
	return l.gate.Commit(with, func(with commit.With) error { return l.commit(with, apply) })
}

func (l *Log) commit(with commit.With, apply func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	records, err := with.Encode()
	if err != nil {
		return err
	}
	for _, rec := range records.Barriers {
		if _, taken := l.barriers[rec.Key]; taken {
			return fault.ErrLostRace
		}
	}
	answer := records.Reply
	if answer != nil && l.live(answer.Scope, answer.Key) {
		return fault.ErrLostRace
	}
	if err := apply(); err != nil {
		return err
	}
	for _, rec := range records.Barriers {
		l.barriers[rec.Key] = rec
	}
	if answer != nil {
		l.replies[[2]string{answer.Scope, answer.Key}] = reply{*answer, l.clock.Now().Add(idempotency.Retention)}
	}
	l.outbox = append(l.outbox, with.Events...)
	return nil
}

// Record writes what comes with a change; see commit.Log.
func (l *Log) Record(_ context.Context, with commit.With) error {
	return l.Commit(with, func() error { return nil })
}

func (l *Log) live(scope, key string) bool {
	r, ok := l.replies[[2]string{scope, key}]
	return ok && l.clock.Now().Before(r.expires)
}

// Barrier finds a barrier record; see barrier.Log.
func (l *Log) Barrier(_ context.Context, key barrier.Key) (barrier.Record, bool, error) {
	if err := l.gate.Find(); err != nil {
		return barrier.Record{}, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	rec, ok := l.barriers[key]
	return rec, ok, nil
}

// Reply finds an idempotency record; see idempotency.Log.
func (l *Log) Reply(_ context.Context, scope, key string) (idempotency.Record, bool, error) {
	if err := l.gate.Find(); err != nil {
		return idempotency.Record{}, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.replies[[2]string{scope, key}].Record, l.live(scope, key), nil
}

// Outbox returns the events written and not yet taken.
func (l *Log) Outbox(context.Context) ([]envelope.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.outbox), nil
}

// TakeOutbox empties the outbox and returns what was in it.
func (l *Log) TakeOutbox() []envelope.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.outbox
	l.outbox = nil
	return events
}

// Waiting returns what is in the outbox; see outbox.Swept.
func (l *Log) Waiting(context.Context) ([]outbox.Item, error) {
	if err := l.gate.Find(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	items := make([]outbox.Item, len(l.outbox))
	for i, e := range l.outbox {
		items[i] = outbox.Item{PK: "outbox", SK: e.ID, Event: e}
	}
	return items, nil
}

// DeletePublished removes published events from the outbox; see outbox.Store.
func (l *Log) DeletePublished(_ context.Context, items []outbox.Item) error {
	return l.Commit(commit.With{}, func() error {
		for _, item := range items {
			l.outbox = slices.DeleteFunc(l.outbox, func(e envelope.Event) bool { return e.ID == item.Event.ID })
		}
		return nil
	})
}
