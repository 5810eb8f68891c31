// Package memdb is the basis of the services' in-memory stores: the protocol of package ddb under
// one mutex. Tests and the simulation use it.
package memdb

import (
	"context"
	"errors"
	"fmt"
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

// Log holds the barrier records, the idempotency records and the outbox of one service. Its mutex
// also guards the business data of the store that embeds it.
type Log struct {
	gate     Gate
	mu       sync.Mutex
	clock    clock.Clock
	barriers map[barrier.Key]barrier.Record
	replies  map[[2]string]reply
	written  []envelope.Event // with changes, for the stream
	waiting  []outbox.Item    // events that are items of their own
	circuits *Items[resilience.Circuit]
	kinds    []kind
}

type reply struct {
	idempotency.Record
	expires time.Time
}

// Gate intercepts the calls of a log. The simulation's gate delays calls, makes them fail or take
// effect without a response, and observes writes.
type Gate interface {
	// Look is called before a read that cannot fail.
	Look()
	// Find is called before a read that can fail. The read returns its error.
	Find() error
	// Commit is called instead of a write and carries it out by write. The write returns its error.
	Commit(with commit.With, write func(commit.With) error) error
	// Saved is called when an item is written, with the item's unknown attributes. It returns the
	// unknown attributes to store: the same, unless the gate plays another version of the code.
	Saved(kind, key string, unknown Unknown) Unknown
}

// Open is a gate that does nothing: the default, and a base for other gates.
type Open struct{}

// Look does nothing; see Gate.
func (Open) Look() {}

// Find does nothing; see Gate.
func (Open) Find() error { return nil }

// Commit writes; see Gate.
func (Open) Commit(with commit.With, write func(commit.With) error) error { return write(with) }

// Saved keeps the unknown attributes; see Gate.
func (Open) Saved(_, _ string, unknown Unknown) Unknown { return unknown }

// Guard installs g. It must be called before the first use of the log.
func (l *Log) Guard(g Gate) { l.gate = g }

// NewLog returns an empty log.
func NewLog(c clock.Clock) *Log {
	l := &Log{
		gate: Open{}, clock: c, barriers: map[barrier.Key]barrier.Record{}, replies: map[[2]string]reply{},
	}
	l.circuits = NewItems[resilience.Circuit](l, "circuit", nil)
	return l
}

// Reach returns nil, unless the gate makes reads fail.
func (l *Log) Reach(context.Context) error { return l.gate.Find() }

// View runs read under the mutex.
func (l *Log) View(read func()) {
	l.gate.Look()
	l.mu.Lock()
	defer l.mu.Unlock()
	read()
}

// Commit runs apply and writes with, or does neither. apply must check all its conditions before it
// changes anything, and return an error if one does not hold.
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
	rep := records.Reply
	if rep != nil && l.live(rep.Scope, rep.Key) {
		return fault.ErrLostRace
	}
	if err := apply(); err != nil {
		return err
	}
	for _, rec := range records.Barriers {
		l.barriers[rec.Key] = rec
	}
	if rep != nil {
		l.replies[[2]string{rep.Scope, rep.Key}] = reply{*rep, l.clock.Now().Add(idempotency.Retention)}
	}
	l.written = append(l.written, with.Events...)
	return nil
}

// Record writes with alone; see commit.Log.
func (l *Log) Record(_ context.Context, with commit.With) error {
	return l.Commit(with, func() error { return nil })
}

func (l *Log) live(scope, key string) bool {
	r, ok := l.replies[[2]string{scope, key}]
	return ok && l.clock.Now().Before(r.expires)
}

// Barriers returns barrier records; see barrier.Log.
func (l *Log) Barriers(_ context.Context, keys ...barrier.Key) (map[barrier.Key]barrier.Record, error) {
	if err := l.gate.Find(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[barrier.Key]barrier.Record{}
	for _, key := range keys {
		if rec, ok := l.barriers[key]; ok {
			found[key] = rec
		}
	}
	return found, nil
}

// Reply returns an idempotency record; see idempotency.Log.
func (l *Log) Reply(_ context.Context, scope, key string) (idempotency.Record, bool, error) {
	if err := l.gate.Find(); err != nil {
		return idempotency.Record{}, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.replies[[2]string{scope, key}].Record, l.live(scope, key), nil
}

// Outbox returns the events that were written with changes and not yet taken. There is no stream to
// read them from.
func (l *Log) Outbox(context.Context) ([]envelope.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.written), nil
}

// TakeOutbox returns the same and takes them.
func (l *Log) TakeOutbox() []envelope.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.written
	l.written = nil
	return events
}

// Waiting returns the events that are items; see outbox.Swept.
func (l *Log) Waiting(context.Context) ([]outbox.Item, error) {
	if err := l.gate.Find(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var items []outbox.Item
	var unreadable error
	for _, i := range l.waiting {
		if i.PK, i.SK = "outbox", i.ID(); i.Malformed != "" {
			unreadable = errors.Join(unreadable, fmt.Errorf("%s: %w", i.SK, envelope.ErrMalformed))
			continue
		}
		items = append(items, i)
	}
	return items, unreadable
}

// Beat is part of outbox.Swept. There is no stream that could be off.
func (l *Log) Beat(context.Context) (time.Time, bool, error) { return time.Time{}, false, nil }

// Heard is part of outbox.Store.
func (l *Log) Heard(context.Context, string) (bool, error) { return false, nil }

// PutAside makes events items; see outbox.Store.
func (l *Log) PutAside(_ context.Context, items []outbox.Item) error {
	return l.Commit(commit.With{}, func() error {
		for _, i := range items {
			l.waiting = append(slices.DeleteFunc(l.waiting, func(o outbox.Item) bool { return o.ID() == i.ID() }), i)
		}
		return nil
	})
}

// DeletePublished deletes the items of published events; see outbox.Store.
func (l *Log) DeletePublished(_ context.Context, items []outbox.Item) error {
	return l.Commit(commit.With{}, func() error {
		for _, i := range items {
			l.waiting = slices.DeleteFunc(l.waiting, func(o outbox.Item) bool { return o.ID() == i.ID() })
		}
		return nil
	})
}
