package eventsource

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"orderflow/internal/platform/clock"
)

// pollRabbitMQ consumes the mapping's queue until ctx or the connection ends.
func (s *Sources) pollRabbitMQ(ctx context.Context, d *delivery) error {
	broker, err := url.Parse(s.config.RabbitMQ)
	if err != nil || s.config.RabbitMQ == "" {
		return fmt.Errorf("no RabbitMQ broker is known for %s", d.mapping.SourceARN)
	}
	l, err := readLogin(ctx, d.aws, d.mapping.Login)
	if err != nil {
		return err
	}
	config := amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: l.Username, Password: l.Password}},
		Vhost: d.mapping.VirtualHost, Heartbeat: 5 * time.Second, Locale: "en_US",
		Dial: func(network, address string) (net.Conn, error) {
			dialer := net.Dialer{Timeout: 5 * time.Second}
			return dialer.DialContext(ctx, network, address)
		}}
	if len(s.config.RabbitCA) > 0 {
		roots, err := pool(s.config.RabbitCA)
		if err != nil {
			return err
		}
		config.TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: broker.Hostname(),
			MinVersion: tls.VersionTLS12}
	}
	connection, err := amqp.DialConfig(broker.Scheme+"://"+broker.Host, config)
	if err != nil {
		return err
	}
	defer connection.Close()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	if err := channel.Qos(d.mapping.Batch, 0, false); err != nil {
		return err
	}
	deliveries, err := channel.Consume(d.mapping.Queue, "lambda", false, false, false, false, nil)
	if err != nil {
		return err
	}
	d.status.update(func(s *State) { s.Polling, s.LastError = true, "" })
	return d.consume(ctx, deliveries)
}

// consume delivers messages until ctx ends or the channel closes: one batch at a time.
func (d *delivery) consume(ctx context.Context, deliveries <-chan amqp.Delivery) error {
	for c := (collector{delivery: d, deliveries: deliveries}); ; {
		batch, err := c.take(ctx)
		if err == nil {
			err = c.deliver(ctx, batch)
		}
		if err != nil {
			return err
		}
	}
}

// collector turns deliveries into batches.
type collector struct {
	*delivery
	deliveries <-chan amqp.Delivery
	held       *message // did not fit into the last batch
	failures   int      // in a row
}

type message struct {
	amqp.Delivery
	encoded json.RawMessage
}

var errClosed = errors.New("the broker closed the channel")

// take waits for a message and then, for the mapping's window, for a full batch. Messages that the
// filters drop are acknowledged, and those that no event can hold are rejected: the queue's own
// dead-letter exchange, if any, gets them.
func (c *collector) take(ctx context.Context) (batch []message, err error) {
	size := envelope
	var window <-chan time.Time
	for len(batch) < c.mapping.Batch {
		m, err := c.next(ctx, window)
		switch {
		case err != nil:
			return nil, err
		case m == nil: // the window is over
			return batch, nil
		case !c.passes("data", m.Body):
			c.status.update(func(s *State) { s.Dropped++ })
			if err := m.Ack(false); err != nil {
				return nil, err
			}
			continue
		case envelope+len(m.encoded) > limit:
			c.status.update(func(s *State) { s.Discarded++ })
			c.log.Error("a message is too large for an event", "bytes", len(m.Body))
			if err := m.Reject(false); err != nil {
				return nil, err
			}
			continue
		case size+len(m.encoded)+1 > limit:
			c.held = m
			return batch, nil
		}
		size += len(m.encoded) + 1
		batch = append(batch, *m)
		if window == nil {
			timer := time.NewTimer(c.mapping.Window)
			defer timer.Stop()
			window = timer.C
		}
	}
	return batch, nil
}

// next returns the next message, or nil at the end of the window.
func (c *collector) next(ctx context.Context, window <-chan time.Time) (*message, error) {
	if m := c.held; m != nil {
		c.held = nil
		return m, nil
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-window:
		return nil, nil
	case d, open := <-c.deliveries:
		if !open {
			return nil, errClosed
		}
		encoded, err := encodeRabbit(d)
		return &message{d, encoded}, err
	}
}

// deliver hands a batch to the function. It is acknowledged if the function succeeds; otherwise all
// of it returns to the queue, for as long as it takes: this source has no partial failures.
func (c *collector) deliver(ctx context.Context, batch []message) error {
	bodies := make([]json.RawMessage, len(batch))
	for i, m := range batch {
		bodies[i] = m.encoded
	}
	event, err := c.mapping.rabbitPayload(bodies)
	if err != nil {
		return err
	}
	last := batch[len(batch)-1]
	result, err := c.aws.invoke(ctx, c.mapping.Function, event)
	if err == nil && result.failed == "" {
		c.failures = 0
		c.status.update(func(s *State) { s.Batches++; s.Records += len(batch); s.LastError = "" })
		return last.Ack(true)
	}
	if ctx.Err() != nil {
		return ctx.Err() // the broker takes back what is not acknowledged
	}
	if err == nil {
		err = errors.New("the function failed: " + kindOf(result))
		c.status.update(func(s *State) { s.Failures++ })
	}
	c.status.update(func(s *State) { s.LastError = err.Error() })
	c.log.Warn("a batch returns to its queue", "messages", len(batch), "error", err)
	if err := clock.Sleep(ctx, c.pause(c.failures)); err != nil {
		return err
	}
	c.failures++
	return last.Nack(true, true)
}
