// Package barrier makes every saga step and event handler take effect exactly once, although each
// may be delivered late, twice, after its compensation, or not at all.
//
// Each business change is written in one transaction with a record keyed by (saga, step, phase).
// The phase is the action or its compensation. Four rules follow:
//
//   - Duplicate: a second run finds its record and returns the recorded result.
//   - Null compensation: a compensation that finds no record of its action leaves the business data
//     alone, but writes its own record and the action's.
//   - Dangling action: an action that arrives after its compensation finds the record that the
//     compensation wrote for it, and is refused with ErrCompensated.
//   - Race: the records are written on condition that they do not exist. The second transaction
//     fails as a whole; its run reads again, and one of the rules above applies. The same holds for
//     a run that fails for another reason, since the other run's change may be the cause.
//
// The scheme is the sub-transaction barrier of the DTM project
// (https://en.dtm.pub/practice/barrier.html), with a conditional put instead of insert-ignore.
package barrier

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"orderflow/internal/platform/fault"
)

// Phase distinguishes an action from its compensation.
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

// Record is the log's record of a step.
type Record struct {
	Key
	// Origin is the phase that wrote the record. If a compensation wrote the record of an action,
	// the action was compensated before it ran.
	Origin Phase
	// Result is the result of the run that wrote the record, as JSON.
	Result json.RawMessage
}

// Log holds the records. Every service's store is a Log.
type Log interface {
	// Barriers returns the records of keys of one saga, each read consistently, in one call. Those
	// that do not exist are left out.
	Barriers(ctx context.Context, keys ...Key) (map[Key]Record, error)
}

// ErrCompensated refuses an action that arrives after its compensation.
var ErrCompensated = fault.New(fault.Conflict, "StepCompensated", "the step was compensated before it ran")

// Entry is a run's addition to the log. A store writes its records in the transaction of the
// business change, and returns fault.ErrLostRace if one of them exists.
type Entry struct {
	key    Key
	barred []string // actions that this compensation found without a record
	result any
}

// Records returns the records to write.
func (e *Entry) Records() ([]Record, error) {
	b, err := json.Marshal(e.result)
	if err != nil {
		defect := fault.New(fault.Internal, "UnencodableResult", "the result of %s cannot be encoded", e.key.Step)
		return nil, defect.Because(err)
	}
	recs := []Record{{Key: e.key, Origin: e.key.Phase, Result: b}}
	for _, action := range e.barred {
		key := Key{e.key.Saga, action, Action}
		recs = append(recs, Record{Key: key, Origin: e.key.Phase, Result: json.RawMessage("null")})
	}
	return recs, nil
}

// Once makes the entry that a run must commit.
type Once struct {
	key    Key
	barred []string
}

// Returning returns the entry of a run with this result.
func (o Once) Returning(result any) *Entry {
	return &Entry{key: o.key, barred: o.barred, result: result}
}

// Do runs the action step of saga, unless it ran before: then it returns the recorded result. It
// returns ErrCompensated if the step was compensated before it ran. run must commit the entry of
// Once together with its changes.
func Do[R any](ctx context.Context, log Log, saga, step string, run func(context.Context, Once) (R, error)) (R, error) {
	ctx = remembering(ctx)
	return fault.RetryLostRace(func() (R, error) {
		key := Key{saga, step, Action}
		found, err := log.Barriers(ctx, key)
		if rec, ok := found[key]; err != nil || ok {
			return replay[R](ctx, rec, err)
		}
		r, err := run(ctx, Once{key: key})
		return firstResult(ctx, log, key, r, err)
	})
}

// Done says which actions of a compensation took effect.
type Done map[string]bool

// Undo runs the compensation step of saga for the named actions, unless it ran before: then it
// returns the recorded result. Done tells run which actions took effect here; the others are barred
// from now on. run must commit the entry of Once even if it has nothing to undo. An action may have
// reached a third party without a record here, so run undoes it there in any case.
func Undo[R any](
	ctx context.Context, log Log, saga, step string, actions []string,
	run func(context.Context, Done, Once) (R, error),
) (R, error) {
	ctx = remembering(ctx)
	return fault.RetryLostRace(func() (R, error) {
		once := Once{key: Key{saga, step, Compensation}}
		keys := []Key{once.key}
		for _, action := range actions {
			keys = append(keys, Key{saga, action, Action})
		}
		found, err := log.Barriers(ctx, keys...)
		if rec, ok := found[once.key]; err != nil || ok {
			return replay[R](ctx, rec, err)
		}
		done := Done{}
		for _, action := range actions {
			rec, ok := found[Key{saga, action, Action}]
			done[action] = ok && rec.Origin == Action
			if !ok {
				once.barred = append(once.barred, action)
			}
		}
		r, err := run(ctx, done, once)
		if err == nil {
			compensated(ctx, step, once)
		}
		return firstResult(ctx, log, once.key, r, err)
	})
}

// firstResult returns the recorded result, if there is one by now, instead of a failure. The run
// may have failed because a duplicate or the compensation changed something after the look-up.
func firstResult[R any](ctx context.Context, log Log, key Key, r R, err error) (R, error) {
	if err == nil || errors.Is(err, fault.ErrLostRace) {
		return r, err
	}
	found, failed := log.Barriers(ctx, key)
	if rec, ok := found[key]; failed == nil && ok {
		return replay[R](ctx, rec, nil)
	}
	return r, err
}

// Consume runs the handler called consumer once for the event.
func Consume(ctx context.Context, log Log, consumer, eventID string, run func(context.Context, Once) error) error {
	_, err := Do(ctx, log, eventPrefix+eventID, consumer, func(ctx context.Context, once Once) (struct{}, error) {
		return struct{}{}, run(ctx, once)
	})
	return err
}

const eventPrefix = "event-"

// IsEvent reports whether the saga of a record is an event that Consume passed to a handler.
func IsEvent(saga string) bool { return strings.HasPrefix(saga, eventPrefix) }

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
		defect := fault.New(fault.Internal, "UnreadableResult", "the recorded result of %s cannot be read", rec.Step)
		return r, defect.Because(err)
	}
	return r, nil
}
