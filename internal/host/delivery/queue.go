// Package delivery brings events to the functions that consume them, as SNS, SQS, Lambda's event
// sources and EventBridge Scheduler do on AWS: queues with batches, redelivery and dead letters,
// and schedules. What is subscribed to what, and how often, is read from the template; see package
// wiring.
package delivery

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/ids"
)

// Invoke runs a function.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Message is a message in a queue.
type Message struct {
	ID       string
	Body     string
	Receives int
}

// Queue is a queue with its function, in memory.
type Queue struct {
	Name     string // of the function
	settings wiring.Queue
	invoke   Invoke
	ids      ids.Source

	mu     sync.Mutex
	launch func() // a worker; nil while stopped
	ready  []*Message
	hidden int // messages that are redelivered later
	busy   int // batches under way
	taken  int // their messages
	dead   []*Message

	workers sync.WaitGroup
}

// send adds a message.
func (q *Queue) send(body string) {
	q.add(&Message{ID: q.ids.New(), Body: body})
}

func (q *Queue) add(m *Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ready = append(q.ready, m)
	q.start()
}

// start begins another batch if there may be one. The caller holds the mutex.
func (q *Queue) start() {
	if q.launch == nil || len(q.ready) == 0 || q.busy >= q.settings.Concurrency {
		return
	}
	q.busy++
	q.launch()
}

// work hands batches to the function until no message is ready.
func (q *Queue) work(ctx context.Context) {
	for batch := q.next(ctx); len(batch) > 0; batch = q.next(ctx) {
		q.settle(batch, q.handle(ctx, batch))
	}
}

// next takes a batch, or ends the worker if there is none.
func (q *Queue) next(ctx context.Context) []*Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.ready), q.settings.Batch)
	if n == 0 || ctx.Err() != nil {
		q.busy--
		return nil
	}
	batch := append([]*Message(nil), q.ready[:n]...)
	q.taken += n
	if q.ready = q.ready[n:]; len(q.ready) == 0 {
		q.ready = nil // let go of the array
	}
	return batch
}

// handle returns the ids of the messages that the function did not handle.
func (q *Queue) handle(ctx context.Context, batch []*Message) map[string]bool {
	in := events.SQSEvent{Records: make([]events.SQSMessage, len(batch))}
	failed := map[string]bool{}
	for i, m := range batch {
		m.Receives++
		in.Records[i] = events.SQSMessage{MessageId: m.ID, Body: m.Body}
		failed[m.ID] = true
	}
	payload, err := json.Marshal(in)
	if err != nil {
		return failed
	}
	out, err := q.invoke(ctx, q.Name, payload)
	var res events.SQSEventResponse
	if err != nil || json.Unmarshal(out, &res) != nil {
		return failed
	}
	clear(failed)
	for _, f := range res.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	return failed
}

// settle hides failed messages until they are redelivered, or makes them dead letters.
func (q *Queue) settle(batch []*Message, failed map[string]bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= len(batch)
	for _, m := range batch {
		switch {
		case !failed[m.ID]:
		case m.Receives >= q.settings.Receives:
			slog.Error("message is a dead letter", "queue", q.Name, "messageId", m.ID)
			q.dead = append(q.dead, m)
		default:
			q.hidden++
			time.AfterFunc(q.settings.Visibility, func() { q.reappear(m) })
		}
	}
}

func (q *Queue) reappear(m *Message) {
	q.mu.Lock()
	q.hidden--
	q.mu.Unlock()
	q.add(m)
}

// run delivers until ctx ends and batches under way are finished.
func (q *Queue) run(ctx context.Context) {
	q.mu.Lock()
	q.launch = func() { q.workers.Go(func() { q.work(ctx) }) }
	for range q.settings.Concurrency {
		q.start()
	}
	q.mu.Unlock()
	<-ctx.Done()
	q.mu.Lock()
	q.launch = nil
	q.mu.Unlock()
	q.workers.Wait()
}

// State is how many messages a queue has.
type State struct{ Ready, Taken, Hidden, Dead int }

// State counts the messages. Taken are with the function, and hidden ones come again later.
func (q *Queue) State() State {
	q.mu.Lock()
	defer q.mu.Unlock()
	return State{len(q.ready), q.taken, q.hidden, len(q.dead)}
}

// Dead returns the dead letters.
func (q *Queue) Dead() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Message, len(q.dead))
	for i, m := range q.dead {
		all[i] = *m
	}
	return all
}

// Drop deletes a dead letter and reports whether there was one.
func (q *Queue) Drop(id string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, m := range q.dead {
		if m.ID == id {
			q.dead = append(q.dead[:i:i], q.dead[i+1:]...)
			return true
		}
	}
	return false
}
