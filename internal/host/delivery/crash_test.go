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

// mortal is a process that dies at one of its effects, before or after it: a write to the store, or
// the work of the function.
type mortal struct {
	delivery.Store
	left  int // effects until it dies
	after bool
	dead  bool
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

func (p *mortal) Keep(ctx context.Context, all []delivery.Message) error {
	return p.effect(func() error { return p.Store.Keep(ctx, all) })
}

func (p *mortal) Drop(ctx context.Context, queue string, ids []string) error {
	return p.effect(func() error { return p.Store.Drop(ctx, queue, ids) })
}

// A process dies at every effect in turn. The next one delivers whatever was sent and not handled.
func TestNothingSentIsLostWithTheProcess(t *testing.T) {
	for left := range 40 {
		for _, after := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { die(t, left, after) })
		}
	}
}

func die(t *testing.T, left int, after bool) {
	kept := memory.New()
	var sent, handled []string
	for _, p := range []*mortal{{Store: kept, left: left, after: after}, {Store: kept, left: -1}} {
		invoke := func(_ context.Context, _ string, payload []byte) (out []byte, err error) {
			var in events.SQSEvent
			err = errors.Join(json.Unmarshal(payload, &in), p.effect(func() error {
				for _, m := range in.Records {
					handled = append(handled, m.Body)
				}
				return nil
			}))
			return []byte(`{"batchItemFailures":[]}`), err
		}
		d := delivery.New(kitchen, invoke, p, clock.System{}, ids.Random(clock.System{}))
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
			t.Errorf("%d effects, after %t: %s was sent, but only %v were handled", left, after, body, handled)
		}
	}
	if rest, _ := kept.Messages(t.Context(), "eat"); len(rest) > 0 {
		t.Errorf("%d effects, after %t: %v are left", left, after, rest)
	}
}

func TestMessagesOfAnotherProcessAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, kept := &function{}, memory.New()
		d := delivery.New(kitchen, f.invoke, kept, clock.System{}, &ids.Sequence{})
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
		}, slow{memory.New()}, clock.System{}, &ids.Sequence{})
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
