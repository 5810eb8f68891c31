package host

import (
	"context"
	"slices"
	"sync"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/memdb"
)

// ends are the events after which only the mail of an order remains to be sent. An order that needs
// attention stays.
var ends = []string{contract.OrderConfirmed, contract.OrderRejected, contract.OrderCancelled}

// remembered is how long an order is kept after its end, however many orders there are. It exceeds
// the time in which messages are redelivered and clients retry: a repeated key must find its order.
const remembered = 15 * time.Minute

// forgetter bounds the memory of a process: it keeps only the latest of the finished orders.
type forgetter struct {
	keep  int
	logs  []*memdb.Log
	clock clock.Clock

	mu   sync.Mutex
	over []ended // oldest first
}

type ended struct {
	order string
	at    time.Time
}

// note records the ends of orders, and removes the oldest orders in batches, since each removal
// searches everything that is kept.
func (f *forgetter) note(events []envelope.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		if slices.Contains(ends, e.Type) {
			f.over = append(f.over, ended{e.Subject, f.clock.Now()})
		}
	}
	limit := f.clock.Now().Add(-remembered)
	old, _ := slices.BinarySearchFunc(f.over, limit, func(e ended, t time.Time) int { return e.at.Compare(t) })
	if old = min(old, len(f.over)-f.keep); old <= f.keep/4 {
		return
	}
	subjects := map[string]bool{}
	for _, e := range f.over[:old] {
		subjects[e.order] = true
	}
	before := f.over[old-1].at
	f.over = slices.Clone(f.over[old:])
	for _, log := range f.logs {
		log.Forget(subjects, before)
	}
}

// topic is a topic whose events a forgetter notes.
type topic struct {
	Topic
	*forgetter
}

// Publish publishes events; see outbox.Topic.
func (t topic) Publish(ctx context.Context, batch []envelope.Event) (map[string]error, error) {
	failed, err := t.Topic.Publish(ctx, batch)
	if err == nil {
		t.note(batch)
	}
	return failed, err
}
