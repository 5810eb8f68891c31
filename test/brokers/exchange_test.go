package brokers_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/rabbitmq"
)

// path is a TCP path to RabbitMQ whose connections can go dark or be cut, as those of a function do
// while Lambda has frozen it.
type path struct {
	listener net.Listener
	mu       sync.Mutex
	open     []*hop
	made     atomic.Int32
}

// hop is one connection. A dark one swallows everything and says nothing.
type hop struct {
	near, far net.Conn
	dark      atomic.Bool
}

func newPath(t *testing.T) *path {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &path{listener: l}
	go p.accept()
	t.Cleanup(func() { _ = l.Close(); p.cut() })
	return p
}

func (p *path) accept() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", real.RabbitMQ.Address())
		if err != nil {
			_ = near.Close()
			continue
		}
		h := &hop{near: near, far: far}
		p.made.Add(1)
		p.mu.Lock()
		p.open = append(p.open, h)
		p.mu.Unlock()
		go h.carry(near, far)
		go h.carry(far, near)
	}
}

func (h *hop) carry(from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if h.dark.Load() {
			if err != nil {
				return // the other side hears nothing of it
			}
			continue
		}
		if n > 0 {
			_, _ = to.Write(buffer[:n])
		}
		if err != nil {
			_ = to.Close()
			return
		}
	}
}

// darken makes the present connections dark. New ones work.
func (p *path) darken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.open {
		h.dark.Store(true)
	}
}

// cut closes the present connections.
func (p *path) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, h := range p.open {
		_, _ = h.near.Close(), h.far.Close()
	}
}

// exchange returns the product's client of an exchange, with a path of its own.
func exchange(t *testing.T, name string) (*rabbitmq.Exchange, *path) {
	p := newPath(t)
	return rabbitmq.New(rabbitmq.Config{
		URL: "amqps://" + p.listener.Addr().String() + "/" + brokers.VirtualHost, Exchange: name, Name: t.Name(),
		Credentials: func(context.Context) (string, string, error) {
			return real.Orderflow.Username, real.Orderflow.Password, nil
		},
		Roots: func(context.Context) (*x509.CertPool, error) { return real.TLS().RootCAs, nil },
		Clock: clock.System{},
	}), p
}

// jobs takes all pick jobs.
func jobs(t *testing.T) (all []amqp.Delivery) {
	t.Helper()
	ch := channel(t, real.Warehouse)
	for {
		m, found, err := ch.Get(brokers.PickJobsQueue, true)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return all
		}
		all = append(all, m)
	}
}

func wantJobs(t *testing.T, ids ...string) {
	t.Helper()
	var got []string
	for _, m := range jobs(t) {
		got = append(got, m.MessageId)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("the warehouse has %v, want %v", got, ids)
	}
}

const requested = "pick.requested"

func send(t *testing.T, e *rabbitmq.Exchange, key, id string, want error) {
	t.Helper()
	if err := e.Publish(within(t, 20*time.Second), key, id, []byte(`{}`)); !errors.Is(err, want) {
		t.Errorf("Publish(%s, %s): %v, want %v", key, id, err, want)
	}
}

func TestConfirmedJobIsInTheQueueAsItShouldBe(t *testing.T) {
	jobs(t)
	e, p := exchange(t, brokers.PickJobs)
	send(t, e, requested, "1", nil)
	send(t, e, requested, "2", nil)
	if n := p.made.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	got := jobs(t)
	if len(got) != 2 {
		t.Fatalf("%d jobs, want 2", len(got))
	}
	for i, m := range got {
		if m.MessageId != []string{"1", "2"}[i] || m.Type != requested || m.DeliveryMode != amqp.Persistent ||
			m.ContentType != "application/json" || string(m.Body) != "{}" {
			t.Errorf("job %d: %+v", i, m)
		}
	}
}

func TestMessageWithoutAQueueIsReturned(t *testing.T) {
	jobs(t)
	e, p := exchange(t, brokers.PickJobs)
	send(t, e, "nobody.listens", "1", rabbitmq.ErrReturned)
	send(t, e, requested, "2", nil)
	send(t, e, "nobody.listens", "3", rabbitmq.ErrReturned)
	if n := p.made.Load(); n != 1 {
		t.Errorf("%d connections, want 1", n)
	}
	wantJobs(t, "2")
}

// A frozen function's connection dies in one of these ways. The next message must not be lost.
func TestConnectionThatDiedMeanwhileLosesNothing(t *testing.T) {
	for name, die := range map[string]func(*path){"dark": (*path).darken, "cut": (*path).cut} {
		jobs(t)
		e, p := exchange(t, brokers.PickJobs)
		send(t, e, requested, "1", nil)
		die(p)
		began := time.Now()
		send(t, e, requested, "2", nil)
		took := time.Since(began)
		t.Logf("%s: the next message was confirmed after %s", name, took.Round(time.Millisecond))
		if took > 7*time.Second {
			t.Errorf("%s: it took %s", name, took)
		}
		send(t, e, requested, "3", nil)
		if n := p.made.Load(); n != 2 {
			t.Errorf("%s: %d connections, want 2", name, n)
		}
		wantJobs(t, "1", "2", "3")
	}
}

func TestKilledBrokerFailsTheMessageAndLosesNone(t *testing.T) {
	jobs(t)
	e, _ := exchange(t, brokers.PickJobs)
	send(t, e, requested, "1", nil)
	if err := real.RabbitMQ.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := e.Publish(within(t, 20*time.Second), requested, "2", nil); err == nil {
		t.Error("a killed broker confirmed a message")
	}
	if err := real.RabbitMQ.Restart(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	send(t, e, requested, "2", nil)
	wantJobs(t, "1", "2")
}

func TestExchangeOfOthersConfirmsNothing(t *testing.T) {
	for _, name := range []string{brokers.Messages, "missing"} {
		e, _ := exchange(t, name)
		send(t, e, requested, "1", rabbitmq.ErrUnconfirmed)
	}
}
