// Package rabbitmq publishes to an exchange of RabbitMQ, so that nothing counts as sent unless the
// broker has confirmed it.
//
// Messages are persistent and mandatory: the broker confirms one when all its queues have stored
// it, and returns one that no queue is bound for. Each call waits for its own confirmation.
//
// A process has one connection and keeps it between invocations. It may die while Lambda has frozen
// the process: no heartbeats are sent then, and the broker's close may never arrive. So a
// connection that was idle for longer than the broker tolerates is not used again, and a message
// that a reused connection does not confirm is sent once more by a new one. The broker may then
// have it twice, with the same id.
package rabbitmq

import (
	"context"
	"errors"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/tracing"
)

var (
	// ErrReturned: no queue is bound for messages of this type.
	ErrReturned = fault.New(fault.Transient, "MessageReturned", "the broker has no queue for this message")
	// ErrBlocked: the broker accepts nothing for now, because it lacks memory or disk space.
	ErrBlocked = fault.New(fault.Transient, "BrokerBlocked", "the broker lacks memory or disk space")
	// ErrUnconfirmed: the broker has not confirmed the message, so it may be lost.
	ErrUnconfirmed = fault.New(fault.Transient, "MessageUnconfirmed", "the broker has not confirmed the message")
	// ErrUnreachable: there is no connection to the broker.
	ErrUnreachable = fault.New(fault.Transient, "BrokerUnreachable", "no connection to the broker")
)

const (
	// confirmTimeout bounds the wait for a confirmation, which normally takes milliseconds.
	confirmTimeout = 3 * time.Second
	// connectTimeout bounds the set-up of a connection: TCP, TLS and AMQP.
	connectTimeout = 3 * time.Second
	// heartbeat is the interval that is agreed with the broker. After two intervals without a sign
	// of life it closes the connection.
	heartbeat = 10 * time.Second
	// maxIdle is how long an unused connection may be trusted.
	maxIdle = 2 * heartbeat
)

// Exchange publishes to an exchange. Make one per process.
type Exchange struct {
	dial  func(ctx context.Context) (session, error)
	clock clock.Clock

	mu      sync.Mutex
	session session // nil if there is none
	used    time.Time
}

// session is a connection to the broker.
type session interface {
	// Publish returns nil once the broker has confirmed the message. Only after ErrReturned can the
	// session be used again.
	Publish(ctx context.Context, m message) error
	// Alive reports whether the session is known to be closed.
	Alive() bool
	Close()
}

type message struct {
	key, id, traceParent string
	body                 []byte
	at                   time.Time
}

// Publish sends a message with a routing key, which is also its type, and an id. It returns nil
// once the broker has confirmed that all queues bound for the key have stored it.
func (e *Exchange) Publish(ctx context.Context, key, id string, body []byte) error {
	ctx, span := tracing.Start(ctx, "publish "+key, tracing.Producer)
	m := message{key: key, id: id, traceParent: tracing.Parent(ctx), body: body, at: e.clock.Now()}
	e.mu.Lock()
	defer e.mu.Unlock()
	reused := e.usable()
	err := e.publish(ctx, m)
	if reused && e.session == nil && !errors.Is(err, ErrBlocked) {
		err = e.publish(ctx, m) // what failed may be the old connection
	}
	tracing.End(span, err)
	return err
}

// usable reports whether the session may be used again, and drops it otherwise.
func (e *Exchange) usable() bool {
	if e.session != nil && (!e.session.Alive() || e.clock.Now().Sub(e.used) > maxIdle) {
		e.drop()
	}
	return e.session != nil
}

func (e *Exchange) drop() {
	e.session.Close()
	e.session = nil
}

// publish sends by the session, or by a new one. It drops the session unless it can be used again.
func (e *Exchange) publish(ctx context.Context, m message) error {
	if e.session == nil {
		var err error
		if e.session, err = e.dial(ctx); err != nil {
			e.session = nil
			return ErrUnreachable.Because(err)
		}
	}
	err := e.session.Publish(ctx, m)
	if err != nil && !errors.Is(err, ErrReturned) {
		e.drop()
		return err
	}
	e.used = e.clock.Now()
	return err
}
