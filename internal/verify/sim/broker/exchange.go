package broker

import (
	"slices"
	"strings"
	"time"
)

// Message is a message of AMQP 0-9-1.
type Message struct {
	ID          string
	RoutingKey  string
	Type        string
	ContentType string
	Headers     map[string]any
	Body        []byte
	Persistent  bool
	Time        time.Time
}

// Exchange is a durable topic exchange with its durable queues.
type Exchange struct {
	bindings []binding
	queues   map[string]*queue
}

type binding struct {
	queue, pattern string
}

type queue struct {
	ready   []*Delivery // in the order of arrival
	unacked []*Delivery
	arrived int
}

// Delivery is a message in a queue. Its consumer must acknowledge or requeue it.
type Delivery struct {
	Message
	Redelivered bool
	queue       *queue
	place       int // in the order of arrival
}

// NewExchange returns an exchange without queues.
func NewExchange() *Exchange { return &Exchange{queues: map[string]*queue{}} }

// Bind creates a queue if it does not exist, and has it get messages whose routing key matches a
// pattern: * is one word, # any number of words.
func (x *Exchange) Bind(name, pattern string) {
	if x.queues[name] == nil {
		x.queues[name] = &queue{}
	}
	if b := (binding{name, pattern}); !slices.Contains(x.bindings, b) {
		x.bindings = append(x.bindings, b)
	}
}

// Unbind removes a queue's bindings. Its messages stay.
func (x *Exchange) Unbind(name string) {
	x.bindings = slices.DeleteFunc(x.bindings, func(b binding) bool { return b.queue == name })
}

// Publish puts a message into every queue with a matching binding, once each. It returns their
// names. If there are none, the broker drops the message; a mandatory one is returned to its
// publisher before it is confirmed.
func (x *Exchange) Publish(m Message) (queues []string) {
	for _, b := range x.bindings {
		if slices.Contains(queues, b.queue) || !matches(words(b.pattern), words(m.RoutingKey)) {
			continue
		}
		queues = append(queues, b.queue)
		q := x.queues[b.queue]
		q.arrived++
		q.ready = append(q.ready, &Delivery{Message: m, queue: q, place: q.arrived})
	}
	return queues
}

func words(key string) []string { return strings.Split(key, ".") }

func matches(pattern, key []string) bool {
	switch {
	case len(pattern) == 0:
		return len(key) == 0
	case pattern[0] == "#":
		return matches(pattern[1:], key) || len(key) > 0 && matches(pattern, key[1:])
	case len(key) == 0:
		return false
	}
	return (pattern[0] == "*" || pattern[0] == key[0]) && matches(pattern[1:], key[1:])
}

// Ready returns how many messages of a queue wait for a consumer.
func (x *Exchange) Ready(name string) int { return len(x.queues[name].ready) }

// Unacked returns how many messages of a queue are with consumers.
func (x *Exchange) Unacked(name string) int { return len(x.queues[name].unacked) }

// Get delivers up to most messages of a queue.
func (x *Exchange) Get(name string, most int) []*Delivery {
	q := x.queues[name]
	n := min(most, len(q.ready))
	batch := slices.Clone(q.ready[:n])
	q.ready = q.ready[n:]
	q.unacked = append(q.unacked, batch...)
	return batch
}

// Ack removes a message. It returns false if the broker does not wait for that: the message was
// requeued meanwhile.
func (d *Delivery) Ack() bool {
	i := slices.Index(d.queue.unacked, d)
	if i < 0 {
		return false
	}
	d.queue.unacked = slices.Delete(d.queue.unacked, i, i+1)
	return true
}

// Requeue puts a message back, at its old place if possible. The next consumer gets a new delivery
// of it, marked as redelivered.
func (d *Delivery) Requeue() {
	if !d.Ack() {
		return
	}
	again := &Delivery{Message: d.Message, Redelivered: true, queue: d.queue, place: d.place}
	i := slices.IndexFunc(d.queue.ready, func(o *Delivery) bool { return o.place > d.place })
	if i < 0 {
		i = len(d.queue.ready)
	}
	d.queue.ready = slices.Insert(d.queue.ready, i, again)
}

// Lose ends the connections of all consumers of a queue: what they have not acknowledged is
// requeued.
func (x *Exchange) Lose(name string) {
	for _, d := range slices.Clone(x.queues[name].unacked) {
		d.Requeue()
	}
}

// Restart restarts the broker: connections are lost, and so are messages that are not persistent.
func (x *Exchange) Restart() {
	for name, q := range x.queues {
		x.Lose(name)
		q.ready = slices.DeleteFunc(q.ready, func(d *Delivery) bool { return !d.Persistent })
	}
}
