package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// queue is an SQS queue of one function: unordered, at least once, with a dead-letter queue.
type queue struct {
	w        *World
	function string
	queueSettings
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
	in := events.SQSEvent{Records: []events.SQSMessage{}}
	for n := 1 + q.w.IntN(q.batch); n > 0 && len(q.ready) > 0; n-- {
		i := q.w.IntN(len(q.ready))
		m := q.ready[i]
		q.ready = slices.Delete(q.ready, i, i+1)
		m.receives++
		batch = append(batch, m)
		in.Records = append(in.Records, events.SQSMessage{MessageId: m.id, Body: string(m.body)})
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
	q.w.invoke(q.function, batch[0].about, must(json.Marshal(in)), func(out []byte, err error) {
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
		if m.receives >= q.receives {
			q.w.reach("a message ended in a dead-letter queue")
			q.w.note(m.about, "%s gives up on %s", q.function, m.key)
			q.dead = append(q.dead, m)
			continue
		}
		q.w.after(q.visibility, func() { q.arrive(m) })
	}
	if len(q.ready) > 0 {
		q.w.after(q.w.between(time.Millisecond, 100*time.Millisecond), q.poll)
	}
}

// redrive moves dead messages back, as an operator does with `orderflow dlq redrive`.
func (q *queue) redrive() (n int) {
	for _, m := range q.dead {
		q.w.note(m.about, "an operator redrives %s to %s", m.key, q.function)
		m.receives = 0
		q.arrive(m)
		n++
	}
	q.dead = nil
	return n
}
