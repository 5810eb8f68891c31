// Package barrier makes every saga step and event handler take effect exactly once,
// although each may be delivered late, twice, after its own undo, or not at all.
//
// Next to each business change, in the same transaction, stands a record keyed by
// (saga, step, phase). The phase is the action or its compensation. Four rules follow:
//
//   - Duplicate: a second run finds its record and returns the first result.
//   - Null compensation: an undo that finds no action record changes nothing in the
//     business data, but writes its own record and the action's.
//   - Dangling action: an action that arrives after its undo finds the record that the
//     undo left in its place, and is refused with ErrCompensated.
//   - Race: the records are written on condition that they do not exist. Whoever comes
//     second fails as a whole, reads again and falls under one of the rules above. So does a
//     run that fails by itself: it may have met what the one that came first has changed.
//
// The scheme follows the sub-transaction barrier of the DTM project
// (https://en.dtm.pub/practice/barrier.html), with a conditional put in place of
// its insert-ignore.
package barrier

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/fault"
)

// Phase tells an action from its compensation.
type Phase string

// The two phases of a step.
const (
	Action       Phase = "action"
	Compensation Phase = "compensation"
)

// Key names a record.
type Key struct {
	Saga  string
	Step  string
	Phase Phase
}

// Record is what the log keeps of a step.
type Record struct {
	Key
	// Origin is the phase that wrote the record. An action's record whose origin is
	// the compensation says: undone before it was done.
	Origin Phase
	// Result is the JSON of what the first run returned.
	Result json.RawMessage
}

// Log is where records are found. Every store of a service is one.
type Log interface {
	// Barrier returns the record of key, read consistently; ok is false where there is none.
	Barrier(ctx context.Context, key Key) (rec Record, ok bool, err error)
}

// ErrCompensated refuses an action that arrives after its compensation.
var ErrCompensated = fault.New(fault.Conflict, "StepCompensated", "the step was compensated before it ran")

// Entry is what a run adds to the log. A store writes it in the transaction of the
// business change, each record on condition that there is none, and reports
// fault.ErrLostRace if one of them exists.
type Entry struct {
	key    Key
	undone []string // actions that this compensation found not done
	result any
}

// Records lists what to write.
func (e *Entry) Records() ([]Record, error) {
	b, err := json.Marshal(e.result)
	if err != nil {
		return nil, fault.New(fault.Internal, "UnencodableResult", "the result of %s cannot be encoded", e.key.Step).Because(err)
	}
	recs := []Record{{Key: e.key, Origin: e.key.Phase, Result: b}}
	for _, action := range e.undone {
		recs = append(recs, Record{Key: Key{e.key.Saga, action, Action}, Origin: e.key.Phase, Result: json.RawMessage("null")})
	}
	return recs, nil
}

// Once is given to a run; the run must put the entry that it makes into its commit.
type Once struct {
	key    Key
	undone []string
}

// Returning makes the log entry of a run that returns result.
func (o Once) Returning(result any) *Entry {
	return &Entry{key: o.key, undone: o.undone, result: result}
}

// Do runs the action step of saga, unless it ran before: then it returns the first
// result, or ErrCompensated where the step was undone meanwhile without ever running.
// run must commit the entry of Once together with its changes.
func Do[R any](ctx context.Context, log Log, saga, step string, run func(context.Context, Once) (R, error)) (R, error) {
	return fault.RetryLostRace(func() (R, error) {
		key := Key{saga, step, Action}
		if rec, ok, err := log.Barrier(ctx, key); err != nil || ok {
			return replay[R](ctx, rec, err)
		}
		r, err := run(ctx, Once{key: key})
		return lookAgain(ctx, log, key, r, err)
	})
}

// Done tells a compensation which of its actions took effect.
type Done map[string]bool

// Undo runs the compensation step of saga, which undoes the named actions, unless it ran
// before: then it returns the first result. run is told which actions have taken
// effect here; the others are barred from now on. It must commit the entry of Once
// even where it has nothing to undo. An action may still have reached a third party without
// having been recorded here, so run undoes there in any case.
func Undo[R any](ctx context.Context, log Log, saga, step string, actions []string, run func(context.Context, Done, Once) (R, error)) (R, error) {
	return fault.RetryLostRace(func() (R, error) {
		once := Once{key: Key{saga, step, Compensation}}
		if rec, ok, err := log.Barrier(ctx, once.key); err != nil || ok {
			return replay[R](ctx, rec, err)
		}
		done := Done{}
		for _, action := range actions {
			rec, ok, err := log.Barrier(ctx, Key{saga, action, Action})
			if err != nil {
				var none R
				return none, err
			}
			done[action] = ok && rec.Origin == Action
			if !ok {
				once.undone = append(once.undone, action)
			}
		}
		r, err := run(ctx, done, once)
		if err == nil {
			undone(ctx, step, once)
		}
		return lookAgain(ctx, log, once.key, r, err)
	})
}

// lookAgain answers for a run that failed. It may have done so because of what a duplicate, or the undo, changed after the
// record was looked for: then theirs is the answer.
func lookAgain[R any](ctx context.Context, log Log, key Key, r R, err error) (R, error) {
	if err == nil || errors.Is(err, fault.ErrLostRace) {
		return r, err
	}
	if rec, ok, failed := log.Barrier(ctx, key); failed == nil && ok {
		return replay[R](ctx, rec, nil)
	}
	return r, err
}

// Consume runs the handler called consumer for the event with this id once.
func Consume(ctx context.Context, log Log, consumer, eventID string, run func(context.Context, Once) error) error {
	_, err := Do(ctx, log, "event-"+eventID, consumer, func(ctx context.Context, once Once) (struct{}, error) {
		return struct{}{}, run(ctx, once)
	})
	return err
}

func replay[R any](ctx context.Context, rec Record, err error) (R, error) {
	var r R
	if err != nil {
		return r, err
	}
	duplicate(ctx, rec)
	if rec.Origin != rec.Phase {
		return r, ErrCompensated
	}
	if err := json.Unmarshal(rec.Result, &r); err != nil {
		return r, fault.New(fault.Internal, "UnreadableResult", "the recorded result of %s cannot be read", rec.Step).Because(err)
	}
	return r, nil
}
