package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox"
)

// queue is an SQS queue of one function: unordered, at least once, with a dead-letter queue.
type queue struct {
	w        *World
	function string
	wiring.Queue
	sent    int
	ready   []*message
	dead    []*message
	handled map[string]int // number of acknowledged messages, by key
}

type message struct {
	id       string
	about    string // the order, for the timeline
	key      string // the event's id
	body     []byte
	receives int
}

// send sends a message; faults deliver it twice or late.
func (q *queue) send(about, key string, body []byte) {
	q.w.changes++
	copies := 1
	if q.w.strikes(messageTwice) {
		copies++
	}
	for range copies {
		q.sent++
		m := &message{id: fmt.Sprintf("m%d", q.sent), about: about, key: key, body: body}
		wait := q.w.between(10*time.Millisecond, 200*time.Millisecond)
		if q.w.strikes(messageLate) {
			wait = q.w.between(time.Second, 5*time.Minute)
		}
		q.w.after(wait, func() { q.arrive(m) })
	}
}

func (q *queue) arrive(m *message) {
	q.ready = append(q.ready, m)
	q.w.after(q.w.between(time.Millisecond, 100*time.Millisecond), q.poll)
}

// poll passes a batch of messages, in any order, to the function.
func (q *queue) poll() {
	if len(q.ready) == 0 {
		return
	}
	var batch []*message
	in := []byte(`{"Records":[`) // what handlers read of an events.SQSEvent
	for n := 1 + q.w.IntN(q.Batch); n > 0 && len(q.ready) > 0; n-- {
		i := q.w.IntN(len(q.ready))
		m := q.ready[i]
		q.ready = slices.Delete(q.ready, i, i+1)
		m.receives++
		batch = append(batch, m)
		in = append(appendText(append(in, `{"messageId":`...), m.id), `,"body":`...)
		in = append(appendText(in, string(m.body)), `},`...)
		if m.receives > 1 {
			q.w.reach("a message was received again")
		}
		q.w.note(m.about, "%s receives %s, time %d", q.function, m.key, m.receives)
	}
	if q.w.mutant.ackFirst {
		q.settle(batch, nil, true)
	}
	if q.w.strikes(batchThrottled) {
		q.settle(batch, nil, false)
		return
	}
	q.w.invoke(q.function, batch[0].about, append(in[:len(in)-1], "]}"...), func(out []byte, err error) {
		if q.w.mutant.ackFirst {
			return
		}
		var res events.SQSEventResponse
		if err == nil {
			err = json.Unmarshal(out, &res)
		}
		failed := map[string]bool{}
		for _, f := range res.BatchItemFailures {
			failed[f.ItemIdentifier] = true
		}
		if len(failed) > 0 && len(failed) < len(batch) {
			q.w.reach("a batch failed in part")
		}
		q.settle(batch, failed, err == nil)
	})
}

// settle deletes handled messages and delivers the others again, or moves them to the dead-letter
// queue.
func (q *queue) settle(batch []*message, failed map[string]bool, answered bool) {
	for _, m := range batch {
		if answered && !failed[m.id] {
			q.handled[m.key]++
			continue
		}
		if m.receives >= q.Receives {
			q.w.reach("a message ended in a dead-letter queue")
			q.w.note(m.about, "%s gives up on %s", q.function, m.key)
			q.dead = append(q.dead, m)
			continue
		}
		q.w.after(q.Visibility, func() { q.arrive(m) })
	}
	if len(q.ready) > 0 {
		q.w.after(q.w.between(time.Millisecond, 100*time.Millisecond), q.poll)
	}
}

// redrive moves dead messages back, as an operator does with `orderflow dlq redrive`.
func (q *queue) redrive() int {
	n := len(q.dead)
	for _, m := range q.dead {
		q.w.note(m.about, "an operator redrives %s to %s", m.key, q.function)
		m.receives = 0
		q.arrive(m)
	}
	q.dead = nil
	return n
}

// Settings of all streams; see template.yaml.
const (
	streamBatch    = 20
	streamAttempts = 10_000
)

// stream is a table's DynamoDB stream with its relay: one shard, in order, bisecting failed
// batches.
type stream struct {
	w       *World
	service string
	batches []*batch
	busy    bool
	parked  []written
}

// written is an event in the stream: an item of its own, or an attribute of another.
type written struct {
	envelope.Event
	item bool
}

type batch struct {
	events   []written
	attempts int
}

// append adds the events of a commit.
func (s *stream) append(events []envelope.Event, items bool) {
	for _, e := range events {
		s.add(written{e, items})
	}
	s.poll(s.w.between(20*time.Millisecond, 200*time.Millisecond))
}

func (s *stream) add(e written) {
	if s.w.strikes(streamParked) {
		// As if it had failed for six hours. The sweep publishes events that are items; for the
		// others, the relay's failure queue tells an operator.
		s.w.reach("a stream gave up on an event")
		s.w.note(e.Subject, "the stream of %s gives up on %s", s.service, e.ID)
		if !e.item {
			s.parked = append(s.parked, e)
			s.w.after(s.w.between(time.Minute, 10*time.Minute), func() { s.redrive() })
		}
		return
	}
	last := len(s.batches) - 1
	if last < 0 || len(s.batches[last].events) == streamBatch || s.batches[last].attempts > 0 || last == 0 &&
		s.busy {
		s.batches = append(s.batches, &batch{})
		last++
	}
	s.batches[last].events = append(s.batches[last].events, e)
}

// redrive passes parked events to the relay, as an operator does with `orderflow dlq redrive`.
func (s *stream) redrive() {
	for _, e := range s.parked {
		s.w.note(e.Subject, "an operator passes %s to the relay of %s", e.ID, s.service)
		s.batches = append(s.batches, &batch{events: []written{e}})
	}
	s.parked = nil
	s.poll(s.w.between(20*time.Millisecond, 200*time.Millisecond))
}

// poll passes the first batch to the relay, one batch at a time.
func (s *stream) poll(in time.Duration) {
	if s.busy || len(s.batches) == 0 {
		return
	}
	s.busy = true
	s.w.after(in, func() {
		head := s.batches[0]
		s.relay(head, func(err error) {
			s.busy = false
			switch head.attempts++; {
			case err == nil && s.w.strikes(streamAgain):
			case err == nil, head.attempts > streamAttempts:
				s.batches = s.batches[1:]
			case len(head.events) > 1:
				s.w.reach("a stream's batch was halved")
				half := len(head.events) / 2
				s.batches = append([]*batch{{head.events[:half], head.attempts}, {head.events[half:], head.attempts}},
					s.batches[1:]...)
			default:
				s.w.reach("a stream's record was retried")
			}
			s.poll(s.w.between(100*time.Millisecond, time.Second))
		})
	})
}

func (s *stream) relay(b *batch, reply func(error)) {
	items := make([][]string, len(b.events))
	for i, e := range b.events {
		body := string(must(e.MarshalJSON()))
		items[i] = []string{"pk", "outbox", "sk", e.ID, "event", body}
		if !e.item {
			items[i] = []string{outbox.Attribute, "[" + body + "]"}
		}
	}
	s.w.invoke("relay-"+s.service+"-events", b.events[0].Subject, inserted(items...),
		func(_ []byte, err error) { reply(err) })
}

// inserted returns a stream's batch of inserted items: names and values of attributes, which are
// text.
func inserted(items ...[]string) []byte {
	in := []byte(`{"Records":[`)
	for _, item := range items {
		in = append(in, `{"eventName":"INSERT","dynamodb":{"NewImage":{`...)
		for pair := range slices.Chunk(item, 2) {
			in = append(appendText(in, pair[0]), `:{"S":`...)
			in = append(appendText(in, pair[1]), `},`...)
		}
		in = append(in[:len(in)-1], `}}},`...)
	}
	return append(in[:len(in)-1], "]}"...)
}

// topic is a service's SNS topic; see outbox.Topic.
type topic struct {
	w       *World
	service string
	log     *memdb.Log
}

// Publish sends events to the subscribed queues.
func (t topic) Publish(ctx context.Context, batch []envelope.Event) (map[string]error, error) {
	if mutated := t.w.mutant.publish; mutated != nil {
		return mutated(ctx, t, batch)
	}
	return t.publish(batch)
}

func (t topic) publish(batch []envelope.Event) (map[string]error, error) {
	failed := map[string]error{}
	return failed, t.w.remote(publishRefused, publishUnheard, func() error {
		for _, e := range batch {
			if err := t.w.fails(publishPartly); err != nil {
				failed[e.ID] = err
				continue
			}
			t.w.fanOut(t.service, e)
		}
		return nil
	})
}

// fanOut sends an event to all subscribers of its type.
func (w *World) fanOut(service string, e envelope.Event) {
	body := must(e.MarshalJSON())
	for _, name := range w.consumers {
		if q := w.queues[name]; q.Wants(service, e.Type) {
			q.send(e.Subject, e.ID, body)
		}
	}
}

// appendText appends a JSON string, several times as fast as encoding/json.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	rest := 0
	for i := range len(s) {
		if c := s[i]; c < ' ' {
			b, rest = fmt.Appendf(append(b, s[rest:i]...), `\u%04x`, c), i+1
		} else if c == '"' || c == '\\' {
			b, rest = append(append(b, s[rest:i]...), '\\'), i
		}
	}
	return append(append(b, s[rest:]...), '"')
}
