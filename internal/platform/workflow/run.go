package workflow

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/asl"
)

// run is an execution that this process drives.
type run struct {
	e       *Engine
	id      string
	term    context.Context // of the engine; the run ends with it
	express bool

	mu    sync.Mutex
	kept  Execution // as the journal has it
	x     *asl.Execution
	turn  int      // number of effects; answers to older ones are dropped
	stops []func() // of the timers of the effect
	limit func()   // stops the timer of the execution
	gone  bool     // left the engine
}

// transition takes a transition: an answer to what the execution waits for. The lock is held.
func (r *run) transition(ctx context.Context, with Event, apply func(*asl.Execution) error) error {
	next := r.x.Clone()
	if err := apply(next); err != nil {
		return err
	}
	now := r.e.o.Clock.Now()
	with.At, with.State = now, r.x.State()
	if err := r.write(ctx, next, events(r.x, next, with, now)); err != nil {
		r.doubt() //nolint:contextcheck // the engine continues after the caller has returned
		return ErrBusy.Because(err)
	}
	return nil
}

// write stores the position of the execution, then begins its next effect. The lock is held.
func (r *run) write(ctx context.Context, next *asl.Execution, events []Event) error {
	kept := r.kept
	kept.Version++
	kept.Position = asl.Position{}
	if done, over := next.Next().(asl.Done); over {
		kept.Status, kept.Output, kept.Error, kept.Cause = done.Status, done.Output, done.Error, done.Cause
		kept.Ended = r.e.o.Clock.Now()
		kept.Announced = done.Status == asl.Succeeded || r.e.o.Ended == nil
	} else {
		kept.Position = next.Position()
	}
	if !r.express {
		kept.History = append(slices.Clip(kept.History), events...)
		if err := r.save(ctx, kept); err != nil {
			return err
		}
	}
	if r.x == nil {
		r.limit = r.e.o.After(next.Machine().Timeout, r.timedOut)
	}
	r.kept, r.x = kept, next
	r.rest()
	r.perform()
	return nil
}

func (r *run) save(ctx context.Context, kept Execution) error {
	if !r.e.Leads() {
		return ErrNotLeading
	}
	ctx, cancel := context.WithTimeout(ctx, r.e.o.Lease)
	defer cancel()
	return r.e.o.Journal.Save(ctx, kept)
}

// rest ends the effect.
func (r *run) rest() {
	r.turn++
	for _, stop := range r.stops {
		stop()
	}
	r.stops = nil
}

// leave takes the run out of the engine. The lock is held.
func (r *run) leave() {
	r.gone = true
	r.rest()
	if r.limit != nil {
		r.limit()
	}
	r.e.remove(r)
}

// doubt drops this copy of the execution, since it is unknown whether the journal accepted a
// change, and continues from the journal. The lock is held.
func (r *run) doubt() {
	r.leave()
	r.e.adoptSoon(r.term, r.kept.Machine, r.kept.Name)
}

// stale returns ErrStaleToken for a token that the execution does not wait for. It returns another
// error if this copy may be old, because another process drives. The lock is held.
func (r *run) stale(ctx context.Context) error {
	stored, err := r.e.o.Journal.Execution(ctx, r.kept.Machine, r.kept.Name)
	if err != nil {
		return ErrBusy.Because(err)
	}
	if stored.Version != r.kept.Version {
		r.doubt() //nolint:contextcheck // the engine continues after the caller has returned
		return ErrBusy
	}
	return ErrStaleToken
}

// same succeeds if the execution is running with this input.
func (r *run) same(input json.RawMessage) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone:
		return ErrBusy
	case r.kept.Status != Running || string(r.kept.Input) != string(input):
		return ErrExists
	}
	return nil
}

func (r *run) stop(ctx context.Context, status asl.Status, name, cause string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.gone:
		return ErrBusy
	case r.kept.Status != Running:
		return nil
	}
	return r.transition(ctx, Event{}, func(x *asl.Execution) error { return x.Stop(status, name, cause) })
}

func (r *run) timedOut() { _ = r.stop(r.term, asl.TimedOut, "", "") }

// perform begins what the execution waits for. The lock is held.
func (r *run) perform() {
	e, turn := r.e, r.turn
	// answer continues the execution, unless it has already moved on.
	answer := func(with Event, apply func(*asl.Execution) error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if !r.gone && r.turn == turn {
			_ = r.transition(r.term, with, apply)
		}
	}
	fail := func(kind, name, cause string) {
		with := Event{Kind: kind, Error: name, Cause: cause}
		answer(with, func(x *asl.Execution) error { return x.Fail(name, cause) })
	}
	timeout := func() { fail(taskTimedOut, asl.ErrTimeout, "") }
	succeed := func(out json.RawMessage) {
		answer(Event{Kind: taskSucceeded}, func(x *asl.Execution) error {
			if err := x.Succeed(out); err != nil {
				return x.Fail(asl.ErrRuntime, err.Error())
			}
			return nil
		})
	}
	switch effect := r.x.Next().(type) {
	case asl.Invoke:
		r.after(effect.Timeout, timeout)
		e.o.Call(r.term, effect.Function, effect.Payload, func(out []byte, err error) {
			if name, cause := Failure(err); err != nil {
				fail(taskFailed, name, cause)
			} else if !effect.Callback {
				succeed(out)
			}
		})
	case asl.Sleep:
		r.after(e.o.Between(effect.Min, effect.Max), func() { answer(Event{}, (*asl.Execution).Wake) })
	case asl.StartExecution:
		r.after(effect.Timeout, timeout)
		r.after(0, func() {
			err := e.start(r.term, effect.MachineARN, effect.Name, effect.Input)
			switch {
			case errors.Is(err, ErrExists):
				fail(taskFailed, "StepFunctions.ExecutionAlreadyExistsException", err.Error())
			case err != nil:
				fail(taskFailed, "StepFunctions.AWSStepFunctionsException", err.Error())
			case !effect.Callback:
				succeed(json.RawMessage(`{}`))
			}
		})
	case asl.AnswerTask:
		r.after(effect.Timeout, timeout)
		r.after(0, func() {
			err := e.Succeed(r.term, effect.Token, effect.Output)
			if effect.Error != "" {
				err = e.Fail(r.term, effect.Token, effect.Error, effect.Cause)
			}
			switch {
			case errors.Is(err, ErrStaleToken):
				fail(taskFailed, "Sfn.TaskTimedOutException", err.Error())
			case err != nil:
				fail(taskFailed, "Sfn.SfnException", err.Error())
			default:
				succeed(json.RawMessage(`{}`))
			}
		})
	case asl.Done:
		r.end()
	}
}

// after plans a part of the effect.
func (r *run) after(d time.Duration, do func()) { r.stops = append(r.stops, r.e.o.After(d, do)) }

// end releases an execution that has ended, after its end was announced.
func (r *run) end() {
	if r.kept.Announced || r.express {
		r.leave()
		return
	}
	kept := r.kept
	r.e.o.After(0, func() {
		err := r.e.o.Ended(r.term, kept)
		r.mu.Lock()
		defer r.mu.Unlock()
		if kept.Version++; err == nil && !r.gone {
			kept.Announced = true
			_ = r.save(r.term, kept) // otherwise it is announced again
		}
		r.leave()
	})
}

// Failure returns the name and cause of a function's error.
func Failure(err error) (name, cause string) {
	var named messages.InvokeResponse_Error
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &named):
		return named.Type, named.Message
	}
	return "Lambda.Unknown", err.Error()
}
