// Package memory is what the services' in-memory stores stand on: the same protocol
// as package dynamo, under one mutex. Tests and the simulation run on it.
package memory

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
)

// Log holds barrier records, idempotency records and the outbox of one service, and
// guards the business data of the store that embeds it.
type Log struct {
	mu       sync.Mutex
	clock    clock.Clock
	barriers map[barrier.Key]barrier.Record
	replies  map[[2]string]reply
	outbox   []envelope.Event
}

type reply struct {
	idempotency.Record
	expires time.Time
}

// NewLog returns an empty log.
func NewLog(c clock.Clock) *Log {
	return &Log{clock: c, barriers: map[barrier.Key]barrier.Record{}, replies: map[[2]string]reply{}}
}

// View runs read while nothing changes.
func (l *Log) View(read func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	read()
}

// Commit runs apply and records what comes with it, all or nothing: apply must check all
// its conditions before it changes anything, and return an error if one does not hold.
func (l *Log) Commit(with commit.With, apply func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var barriers []barrier.Record
	var answer idempotency.Record
	var err error
	if with.Barrier != nil {
		if barriers, err = with.Barrier.Records(); err != nil {
			return err
		}
		for _, rec := range barriers {
			if _, taken := l.barriers[rec.Key]; taken {
				return fault.ErrLostRace
			}
		}
	}
	if with.Reply != nil {
		if answer, err = with.Reply.Record(); err != nil {
			return err
		}
		if l.live(answer.Scope, answer.Key) {
			return fault.ErrLostRace
		}
	}
	if err := apply(); err != nil {
		return err
	}
	for _, rec := range barriers {
		l.barriers[rec.Key] = rec
	}
	if with.Reply != nil {
		l.replies[[2]string{answer.Scope, answer.Key}] = reply{answer, l.clock.Now().Add(idempotency.Retention)}
	}
	l.outbox = append(l.outbox, with.Events...)
	return nil
}

func (l *Log) live(scope, key string) bool {
	r, ok := l.replies[[2]string{scope, key}]
	return ok && l.clock.Now().Before(r.expires)
}

// Barrier finds a barrier record; see barrier.Log.
func (l *Log) Barrier(_ context.Context, key barrier.Key) (barrier.Record, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rec, ok := l.barriers[key]
	return rec, ok, nil
}

// Reply finds an idempotency record; see idempotency.Log.
func (l *Log) Reply(_ context.Context, scope, key string) (idempotency.Record, bool, error) {
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
