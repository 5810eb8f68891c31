package sim

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/verify/sim/broker"
)

// confirmTimeout is how long a publisher waits for the broker's confirm.
const confirmTimeout = 5 * time.Second

// The outcomes of publishing, as the publisher sees them.
var (
	errUnconfirmed = errors.New("simulated: the broker did not confirm the message")
	errReturned    = errors.New("simulated: the broker returned the message, no queue is bound")
)

// publish sends a mandatory message and waits for its confirm, as the adapter does.
func (b *brokers) publish(m broker.Message) error {
	w := b.w
	w.breathe()
	switch {
	case b.exchangeDown(), w.strikes(connectionDead):
		// Nothing of it reaches the broker: it is down, or the connection died while the function
		// was frozen.
		w.reach("a message was written to a dead connection")
		w.wait(confirmTimeout)
		return b.told(errUnconfirmed)
	case len(b.send(m)) == 0:
		w.reach("a message was returned")
		return b.told(errReturned)
	}
	w.crash(crashAfter)
	if w.strikes(confirmLost) {
		w.wait(confirmTimeout)
		return b.told(errUnconfirmed)
	}
	return nil
}

// told is the adapter's error for the broker's answer.
func (b *brokers) told(err error) error {
	if errors.Is(err, b.w.mutant.unheeded) {
		return nil
	}
	return err
}

// send puts a message into the queues and wakes up their readers.
func (b *brokers) send(m broker.Message) (queues []string) {
	m.Time = b.w.now
	queues = b.exchange.Publish(m)
	for _, name := range queues {
		b.w.changes++
		for _, s := range b.messageSources {
			if s.Queue == name {
				s.pollIn(b.w.between(10*time.Millisecond, 300*time.Millisecond))
			}
		}
	}
	return queues
}

// messageSource is Lambda's event source for a queue of RabbitMQ: it acknowledges a batch after the
// function has handled it, and requeues all of it if the function failed.
type messageSource struct {
	b *brokers
	wiring.Message
	running int
}

// pollers is how many batches of a queue can be with the function.
const pollers = 2

func (b *brokers) consume(settings wiring.Message) *messageSource {
	s := &messageSource{b: b, Message: settings}
	b.messageSources = append(b.messageSources, s)
	return s
}

func (s *messageSource) pollIn(d time.Duration) { s.b.w.after(d, s.poll) }

func (s *messageSource) poll() {
	w := s.b.w
	if s.running == pollers || s.b.exchange.Ready(s.Queue) == 0 {
		return
	}
	if s.b.exchangeDown() {
		s.pollIn(s.b.exchangeDownUntil.Sub(w.now) + time.Second)
		return
	}
	batch := s.b.exchange.Get(s.Queue, 1+w.IntN(s.Batch))
	s.running++
	w.note("", "%s receives %d messages of %s, first %s", s.Function, len(batch), s.Queue, batch[0].ID)
	if batch[0].Redelivered {
		w.reach("a message of the exchange was delivered again")
	}
	if w.mutant.ackGoodsFirst {
		for _, d := range batch {
			d.Ack()
		}
	}
	if w.strikes(connectionLost) {
		w.after(w.between(0, 2*time.Second), func() {
			w.note("", "%s: the connection of its event source is lost", s.Function)
			s.b.exchange.Lose(s.Queue)
			s.pollIn(w.between(100*time.Millisecond, time.Second))
		})
	}
	w.invoke(s.Function, batch[0].ID, s.encode(batch), func(_ []byte, err error) {
		s.running--
		for _, d := range batch {
			switch {
			case err != nil:
				d.Requeue()
			case !d.Ack():
				w.reach("a message was handled, but not acknowledged")
			}
		}
		if err != nil {
			w.reach("a batch of messages was requeued")
		}
		s.pollIn(w.between(50*time.Millisecond, time.Second))
	})
}

// encode encodes a batch as Lambda does.
func (s *messageSource) encode(batch []*broker.Delivery) []byte {
	key := s.Queue + "::" + virtualHost
	in := events.RabbitMQEvent{
		EventSource: "aws:rmq", MessagesByQueue: map[string][]events.RabbitMQMessage{key: {}},
	}
	for _, d := range batch {
		mode := uint8(1)
		if d.Persistent {
			mode = 2
		}
		m := events.RabbitMQMessage{
			Redelivered: d.Redelivered, Data: base64.StdEncoding.EncodeToString(d.Body),
			BasicProperties: events.RabbitMQBasicProperties{
				ContentType: d.ContentType, Headers: d.Headers, DeliveryMode: mode,
				Timestamp: d.Time.Format("Jan 2, 2006, 3:04:05 PM"), BodySize: uint64(len(d.Body)),
			},
		}
		if d.ID != "" {
			m.BasicProperties.MessageID = &d.ID
		}
		if d.Type != "" {
			m.BasicProperties.Type = &d.Type
		}
		in.MessagesByQueue[key] = append(in.MessagesByQueue[key], m)
	}
	return must(json.Marshal(in))
}

func decoded(data string) []byte { return must(base64.StdEncoding.DecodeString(data)) }
