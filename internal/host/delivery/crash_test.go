package delivery_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/delivery/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

var errDied = errors.New("the process has died")

// written is a store whose writes go through a function.
type written struct {
	delivery.Store
	through func(do func() error) error
}

func (w written) Keep(ctx context.Context, all []delivery.Message) error {
	return w.through(func() error { return w.Store.Keep(ctx, all) })
}

func (w written) Drop(ctx context.Context, queue string, gone []string) error {
	return w.through(func() error { return w.Store.Drop(ctx, queue, gone) })
}

// mortal is a process that dies at one of its effects, before or after it: a write to the store, or
// the work of the function.
type mortal struct {
	written
	left  int // effects until it dies
	after bool
	dead  bool
}

func newMortal(kept delivery.Store, left int, after bool) *mortal {
	p := &mortal{left: left, after: after}
	p.written = written{kept, p.effect}
	return p
}

func (p *mortal) effect(do func() error) error {
	if p.left--; p.dead || p.left == 0 && !p.after {
		p.dead = true
		return errDied
	}
	err := do()
	if p.left == 0 {
		p.dead = true
		return errDied
	}
	return err
}

// variant changes how a process works.
type variant struct {
	store  func(delivery.Store) delivery.Store
	invoke func(*mortal, delivery.Invoke) delivery.Invoke
}

// A process dies at every effect in turn. The next one delivers whatever was sent and not handled.
func TestNothingSentIsLostWithTheProcess(t *testing.T) {
	for _, problem := range everyDeath(t, variant{}) {
		t.Error(problem)
	}
}

// forgetful says that it keeps what it does not.
type forgetful struct{ delivery.Store }

func (forgetful) Keep(context.Context, []delivery.Message) error { return nil }

// blind does not find what an earlier process has kept.
type blind struct{ delivery.Store }

func (blind) Messages(context.Context, string) ([]delivery.Message, error) { return nil, nil }

func TestDeathsShowWhatWouldLoseMessages(t *testing.T) {
	for name, v := range map[string]variant{
		"messages are not kept": {store: func(s delivery.Store) delivery.Store { return forgetful{s} }},
		"the store is not read": {store: func(s delivery.Store) delivery.Store { return blind{s} }},
		"dropped, and then handled": {invoke: func(p *mortal, next delivery.Invoke) delivery.Invoke {
			return func(ctx context.Context, name string, payload []byte) ([]byte, error) {
				var in events.SQSEvent
				err := json.Unmarshal(payload, &in)
				for _, m := range in.Records {
					err = errors.Join(err, p.Drop(ctx, name, []string{m.MessageId}))
				}
				if err != nil {
					return nil, err
				}
				return next(ctx, name, payload)
			}
		}},
	} {
		if len(everyDeath(t, v)) == 0 {
			t.Errorf("%s: nobody noticed", name)
		}
	}
}

// everyDeath returns what was wrong after any death.
func everyDeath(t *testing.T, v variant) (all []string) {
	for left := range 40 {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				for _, problem := range die(t, v, left, after) {
					all = append(all, fmt.Sprintf("%d effects, after %t: %s", left, after, problem))
				}
			})
		}
	}
	return all
}

func die(t *testing.T, v variant, left int, after bool) (problems []string) {
	kept := memory.New()
	var sent, handled []string
	for _, p := range []*mortal{newMortal(kept, left, after), newMortal(kept, -1, false)} {
		var invoke delivery.Invoke = func(_ context.Context, _ string, payload []byte) (out []byte, err error) {
			var in events.SQSEvent
			err = errors.Join(json.Unmarshal(payload, &in), p.effect(func() error {
				for _, m := range in.Records {
					handled = append(handled, m.Body)
				}
				return nil
			}))
			return []byte(`{"batchItemFailures":[]}`), err
		}
		var store delivery.Store = p
		if v.store != nil {
			store = v.store(p)
		}
		if v.invoke != nil {
			invoke = v.invoke(p, invoke)
		}
		d := delivery.New(kitchen, invoke, always, store, clock.System{}, ids.Random(clock.System{}))
		term(t, d, func() {
			for n := range 5 {
				if body := fmt.Sprint(n, p.left < 0); d.Send(t.Context(), "eat", body) == nil {
					sent = append(sent, body)
				}
				synctest.Wait()
			}
			time.Sleep(time.Second)
		})
	}
	for _, body := range sent {
		if !slices.Contains(handled, body) {
			problems = append(problems, fmt.Sprintf("%s was sent, but only %v were handled", body, handled))
		}
	}
	if rest, _ := kept.Messages(t.Context(), "eat"); len(rest) > 0 {
		problems = append(problems, fmt.Sprintf("%v are left", rest))
	}
	return problems
}

func TestMessagesOfAnotherProcessAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, kept := &function{}, memory.New()
		d := delivery.New(kitchen, f.invoke, always, kept, clock.System{}, &ids.Sequence{})
		term(t, d, func() {
			m := delivery.Message{Queue: "eat", ID: "other", Body: "late"}
			if err := kept.Keep(t.Context(), []delivery.Message{m}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
		})
		if f.seen() != "[late]" {
			t.Errorf("seen %s", f.seen())
		}
	})
}

// slow is a store that needs a second to answer with its messages.
type slow struct{ delivery.Store }

func (s slow) Messages(ctx context.Context, queue string) ([]delivery.Message, error) {
	all, err := s.Store.Messages(ctx, queue)
	time.Sleep(time.Second)
	return all, err
}

func TestAnOldAnswerOfTheStoreRepeatsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &function{}
		d := delivery.New(kitchen, func(ctx context.Context, name string, payload []byte) ([]byte, error) {
			time.Sleep(time.Second / 2)
			return f.invoke(ctx, name, payload)
		}, always, slow{memory.New()}, clock.System{}, &ids.Sequence{})
		term(t, d, func() {
			time.Sleep(30*time.Second + 900*time.Millisecond)
			if err := d.Send(t.Context(), "eat", "a"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
		})
		if f.seen() != "[a]" {
			t.Errorf("seen %s", f.seen())
		}
	})
}

func TestFailedMessageWaitsAlsoInTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, kept := &function{}, memory.New()
		for n := range 10 {
			d := delivery.New(kitchen, f.invoke, always, kept, clock.System{}, &ids.Sequence{})
			term(t, d, func() {
				if n == 0 && d.Send(t.Context(), "eat", "bad") != nil {
					t.Fatal("not sent")
				}
				time.Sleep(5 * time.Second)
			})
		}
		if f.seen() != "[bad]" {
			t.Errorf("within 50 s, by ten processes: %s", f.seen())
		}
		d := delivery.New(kitchen, f.invoke, always, kept, clock.System{}, &ids.Sequence{})
		term(t, d, func() { time.Sleep(20 * time.Second) })
		if f.seen() != "[bad bad]" {
			t.Errorf("after a minute: %s", f.seen())
		}
	})
}
