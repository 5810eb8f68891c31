// Package delivery brings events to the functions that consume them, as SNS, SQS, Lambda's event
// sources and EventBridge Scheduler do on AWS: queues with batches, redelivery and dead letters,
// and schedules. Subscriptions and schedules are read from the template; see package wiring.
package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

// Invoke runs a function.
type Invoke func(ctx context.Context, function string, payload []byte) ([]byte, error)

// look is how often a queue checks for messages that another process has written. settling bounds
// the writes after a batch. recovery is how often a process checks whether it holds the lease
// again.
const (
	look     = 30 * time.Second
	settling = 10 * time.Second
	recovery = 50 * time.Millisecond
)

// Queue is a queue with its function. Its store has every message before it is delivered, and until
// it is handled.
type Queue struct {
	Name     string // of the function
	settings wiring.Queue
	invoke   Invoke
	drives   func() bool
	store    Store
	clock    clock.Clock
	ids      ids.Source

	mu     sync.Mutex
	launch func()          // a worker; nil while stopped
	known  map[string]bool // ids of all messages here
	gone   map[string]bool // ids of those removed while the store was read; else nil
	ready  []*Message
	hidden int // messages that are redelivered later
	busy   int // batches in progress
	taken  int // their messages

	workers sync.WaitGroup
}

func (q *Queue) message(body string) Message {
	return Message{Queue: q.Name, ID: q.ids.New(), Body: body}
}

// Park keeps a message as a dead letter.
func (q *Queue) Park(ctx context.Context, body string) error {
	m := q.message(body)
	m.Dead = true
	return q.store.Keep(ctx, []Message{m})
}

// Hide sets how long a message that was received is hidden.
func (q *Queue) Hide(visibility time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.settings.Visibility = visibility
}

// add adds a message that the store has.
func (q *Queue) add(m Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known[m.ID] || q.gone[m.ID] {
		return
	}
	q.known[m.ID] = true
	q.hide(&m)
}

// hide lets a message reappear when it is due. The caller holds the mutex.
func (q *Queue) hide(m *Message) {
	q.hidden++
	if wait := m.Due.Sub(q.clock.Now()); wait > 0 {
		time.AfterFunc(wait, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.reappear(m)
		})
		return
	}
	q.reappear(m)
}

// start starts another worker if a further batch is allowed. The caller holds the mutex.
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
		q.settle(ctx, batch, q.handle(ctx, batch))
	}
}

// next takes a batch once the process holds the lease, or ends the worker if there is none.
func (q *Queue) next(ctx context.Context) []*Message {
	for !q.drives() {
		if clock.Sleep(ctx, recovery) != nil {
			break
		}
	}
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

// settle drops the messages that were handled. It hides failed ones until they are redelivered, or
// makes them dead letters. If the process has lost the lease, that explains the failure, and the
// delivery does not count. A message whose outcome cannot be written is delivered again.
func (q *Queue) settle(ctx context.Context, batch []*Message, failed map[string]bool) {
	var handled []string
	var changed []Message
	excused := ctx.Err() != nil || !q.drives()
	for _, m := range batch {
		if !failed[m.ID] {
			handled = append(handled, m.ID)
			continue
		}
		if excused {
			m.Receives--
			continue
		}
		if m.Dead = m.Receives >= q.settings.Receives; m.Dead {
			slog.ErrorContext(ctx, "message is a dead letter", "queue", q.Name, "messageId", m.ID)
		}
		m.Due = q.clock.Now().Add(q.settings.Visibility)
		changed = append(changed, *m)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	if err := errors.Join(q.store.Drop(ctx, q.Name, handled), q.store.Keep(ctx, changed)); err != nil {
		slog.WarnContext(ctx, "messages will come again", "queue", q.Name, "error", err.Error())
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken -= len(batch)
	for _, m := range batch {
		if failed[m.ID] && !m.Dead {
			q.hide(m)
			continue
		}
		delete(q.known, m.ID)
		if q.gone != nil {
			q.gone[m.ID] = true
		}
	}
}

// reappear makes a hidden message ready. The caller holds the mutex.
func (q *Queue) reappear(m *Message) {
	q.hidden--
	q.ready = append(q.ready, m)
	q.start()
}

// find adds the messages of the store that the queue does not have: those of an earlier process,
// and those that another process has written.
func (q *Queue) find(ctx context.Context) error {
	q.mu.Lock()
	q.gone = map[string]bool{}
	q.mu.Unlock()
	all, err := q.store.Messages(ctx, q.Name)
	for _, m := range all {
		if !m.Dead {
			q.add(m)
		}
	}
	q.mu.Lock()
	q.gone = nil
	q.mu.Unlock()
	return err
}

// run delivers until ctx ends and the batches in progress are finished.
func (q *Queue) run(ctx context.Context) {
	q.mu.Lock()
	q.launch = func() { q.workers.Go(func() { q.work(ctx) }) }
	for range q.settings.Concurrency {
		q.start()
	}
	q.mu.Unlock()
	for ctx.Err() == nil {
		pause := look
		if err := q.find(ctx); err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "messages were not read; trying again", "queue", q.Name, "error", err.Error())
			pause = time.Second
		}
		_ = clock.Sleep(ctx, pause)
	}
	q.mu.Lock()
	q.launch = nil
	q.mu.Unlock()
	q.workers.Wait()
}

// State is the number of messages of a queue, without dead letters.
type State struct{ Ready, Taken, Hidden int }

// State counts the messages. Taken ones are with the function; hidden ones are redelivered later.
func (q *Queue) State() State {
	q.mu.Lock()
	defer q.mu.Unlock()
	return State{len(q.ready), q.taken, q.hidden}
}

// Dead returns the dead letters.
func (q *Queue) Dead(ctx context.Context) ([]Message, error) {
	all, err := q.store.Messages(ctx, q.Name)
	return slices.DeleteFunc(all, func(m Message) bool { return !m.Dead }), err
}

// Drop deletes a dead letter.
func (q *Queue) Drop(ctx context.Context, id string) error {
	return q.store.Drop(ctx, q.Name, []string{id})
}
