package rabbitmq

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
)

// The connection itself is tested with a real broker, in test/brokers. Here a session is a script:
// the results of its messages.
type script struct {
	results []error
	sent    []string // ids
	dead    bool
	closed  bool
}

func (s *script) Publish(_ context.Context, m message) error {
	s.sent = append(s.sent, m.id)
	if len(s.results) == 0 {
		return nil
	}
	err := s.results[0]
	s.results = s.results[1:]
	return err
}

func (s *script) Alive() bool { return !s.dead }
func (s *script) Close()      { s.closed = true }

// open returns an exchange whose connections follow the scripts; with none left there is no
// connection.
func open(scripts ...*script) (*Exchange, *clock.Manual) {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	return &Exchange{clock: c, dial: func(context.Context) (session, error) {
		if len(scripts) == 0 {
			return nil, errors.New("refused")
		}
		first := scripts[0]
		scripts = scripts[1:]
		return first, nil
	}}, c
}

func publish(t *testing.T, e *Exchange, id string, want error) {
	t.Helper()
	if err := e.Publish(t.Context(), "pick.requested", id, nil); !errors.Is(err, want) {
		t.Errorf("Publish(%s): %v, want %v", id, err, want)
	}
}

func wantSent(t *testing.T, s *script, ids ...string) {
	t.Helper()
	if len(s.sent) != len(ids) {
		t.Fatalf("sent %v, want %v", s.sent, ids)
	}
	for i, id := range ids {
		if s.sent[i] != id {
			t.Errorf("sent %v, want %v", s.sent, ids)
		}
	}
}

func TestConnectionIsReused(t *testing.T) {
	s := &script{}
	e, c := open(s)
	publish(t, e, "1", nil)
	c.Advance(maxIdle)
	publish(t, e, "2", nil)
	wantSent(t, s, "1", "2")
}

func TestIdleConnectionIsReplacedUntried(t *testing.T) {
	old, fresh := &script{}, &script{}
	e, c := open(old, fresh)
	publish(t, e, "1", nil)
	c.Advance(maxIdle + 1)
	publish(t, e, "2", nil)
	wantSent(t, old, "1")
	wantSent(t, fresh, "2")
	if !old.closed {
		t.Error("the idle connection was not closed")
	}
}

func TestClosedConnectionIsReplacedUntried(t *testing.T) {
	old, fresh := &script{}, &script{}
	e, _ := open(old, fresh)
	publish(t, e, "1", nil)
	old.dead = true
	publish(t, e, "2", nil)
	wantSent(t, old, "1")
	wantSent(t, fresh, "2")
}

func TestWhatAnOldConnectionLeavesOpenIsSentAgain(t *testing.T) {
	old, fresh := &script{results: []error{nil, ErrUnconfirmed}}, &script{}
	e, _ := open(old, fresh)
	publish(t, e, "1", nil)
	publish(t, e, "2", nil)
	wantSent(t, old, "1", "2")
	wantSent(t, fresh, "2")
}

func TestNewConnectionGetsOneAttempt(t *testing.T) {
	first, second := &script{results: []error{ErrUnconfirmed}}, &script{}
	e, _ := open(first, second)
	publish(t, e, "1", ErrUnconfirmed)
	wantSent(t, second)
	publish(t, e, "1", nil)
	wantSent(t, second, "1")
}

func TestReturnedMessageFailsAloneAndKeepsTheConnection(t *testing.T) {
	s := &script{results: []error{ErrReturned}}
	e, _ := open(s)
	publish(t, e, "1", ErrReturned)
	publish(t, e, "2", nil)
	wantSent(t, s, "1", "2")
}

func TestBlockedBrokerIsNotTriedAgainAtOnce(t *testing.T) {
	s, other := &script{results: []error{nil, ErrBlocked}}, &script{}
	e, _ := open(s, other)
	publish(t, e, "1", nil)
	publish(t, e, "2", ErrBlocked)
	wantSent(t, other)
}

func TestUnreachableBrokerIsAFault(t *testing.T) {
	e, _ := open()
	publish(t, e, "1", ErrUnreachable)
	publish(t, e, "1", ErrUnreachable)
}
