// Package commit defines what a store writes in one transaction with a business change: the proof
// that the change happened (a barrier or idempotency record) and the events that it causes.
package commit

import (
	"context"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

// With is written in the transaction of a business change. The zero With writes nothing.
type With struct {
	Barrier *barrier.Entry
	Reply   *idempotency.Entry
	Events  []envelope.Event
}

// Log is the part that every service's store has besides its business data.
type Log interface {
	barrier.Log
	// Record writes with alone, without a business change.
	Record(ctx context.Context, with With) error
}

// Aggregate is a value that is stored as one item under its id. Its version grows with every
// change.
type Aggregate interface {
	Identity() (id string, version int64)
}

// Store keeps the aggregates of one kind.
type Store[V Aggregate] interface {
	// Get returns an aggregate, read consistently, or the kind's error if there is none.
	Get(ctx context.Context, id string) (V, error)
	// GetMany returns the aggregates of up to 50 distinct ids, read consistently, in their order;
	// those that do not exist are left out.
	GetMany(ctx context.Context, ids []string) ([]V, error)
	// Save writes v, which must be one version after what is stored, else fault.ErrLostRace.
	Save(ctx context.Context, v V, with With) error
}

// Records are a With in the form that stores write.
type Records struct {
	Barriers []barrier.Record
	Reply    *idempotency.Record
	// Events are the events as JSON, in the same order.
	Events [][]byte
}

// Encode returns the records. It fails if a result or an event cannot be encoded as JSON, which is
// a defect.
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
		b, err := e.MarshalJSON()
		if err != nil {
			return r, err
		}
		r.Events = append(r.Events, b)
	}
	return r, nil
}
