// Package commit names what goes into one transaction beside a business change. Stores
// take it with every write, so that the change, the proof that it happened (barrier
// or idempotency record) and the events that it causes stand or fall together.
package commit

import (
	"context"
	"encoding/json"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

// With is what a transaction writes beside a business change. The zero With is nothing.
type With struct {
	Barrier *barrier.Entry
	Reply   *idempotency.Entry
	Events  []envelope.Event
}

// Log is what the store of every service keeps beside its business data.
type Log interface {
	barrier.Log
	// Record writes what comes with a change, where there is nothing to change.
	Record(ctx context.Context, with With) error
}

// Aggregate is a value that is stored as one item under its id, and whose version grows with every
// change.
type Aggregate interface {
	Identity() (id string, version int64)
}

// Records are what comes with a business change, as a store writes it.
type Records struct {
	Barriers []barrier.Record
	Reply    *idempotency.Record
	// Events are the JSON of With's events, in the same order.
	Events [][]byte
}

// Encode makes the records. It fails if a result or an event has no JSON form, which is a defect.
func (w With) Encode() (r Records, err error) {
	if w.Barrier != nil {
		if r.Barriers, err = w.Barrier.Records(); err != nil {
			return r, err
		}
	}
	if w.Reply != nil {
		reply, err := w.Reply.Record()
		if err != nil {
			return r, err
		}
		r.Reply = &reply
	}
	for _, e := range w.Events {
		b, err := json.Marshal(e)
		if err != nil {
			return r, err
		}
		r.Events = append(r.Events, b)
	}
	return r, nil
}
