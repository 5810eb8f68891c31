package eventsource

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	amqp "github.com/rabbitmq/amqp091-go"
)

// queue is a broker's queue: what returns to it is delivered again.
type queue struct {
	mu         sync.Mutex
	deliveries chan amqp.Delivery
	open       map[uint64]amqp.Delivery
	tag        uint64
	did        []string
	broken     bool // acknowledgements fail
}

func newQueue(bodies ...string) *queue {
	q := &queue{deliveries: make(chan amqp.Delivery, 100), open: map[uint64]amqp.Delivery{}}
	for _, b := range bodies {
		q.deliver(amqp.Delivery{Body: []byte(b)})
	}
	return q
}

func (q *queue) deliver(d amqp.Delivery) {
	q.tag++
	d.DeliveryTag, d.Acknowledger = q.tag, q
	q.open[q.tag] = d
	q.deliveries <- d
}

func (q *queue) settle(what string, tag uint64, multiple, requeue bool) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken {
		return errBroken
	}
	for t := uint64(1); t <= tag; t++ {
		d, held := q.open[t]
		if !held || t < tag && !multiple {
			continue
		}
		delete(q.open, t)
		q.did = append(q.did, what+" "+string(d.Body[:min(len(d.Body), 10)]))
		if requeue {
			d.Redelivered = true
			q.deliver(d)
		}
	}
	return nil
}

func (q *queue) Ack(tag uint64, multiple bool) error { return q.settle("ack", tag, multiple, false) }
func (q *queue) Nack(tag uint64, multiple, requeue bool) error {
	return q.settle(fmt.Sprintf("nack(requeue %t)", requeue), tag, multiple, requeue)
}
func (q *queue) Reject(tag uint64, requeue bool) error {
	return q.settle(fmt.Sprintf("reject(requeue %t)", requeue), tag, false, requeue)
}

func (q *queue) history() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return strings.Join(q.did, ", ")
}

var goods = Mapping{Source: RabbitMQ, Queue: "q", VirtualHost: "/", Batch: 2, Window: 20 * time.Millisecond}

// consume consumes a queue until something holds, and returns the delivery's state.
func consume(t *testing.T, m Mapping, q *queue, aws *fake, what string, holds func() bool) *delivery {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	d := newDelivery(m, aws)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = d.consume(ctx, q.deliveries)
	}()
	await(t, what, holds)
	stop()
	<-ended
	return d
}

func TestMessagesAreAcknowledgedAfterSuccess(t *testing.T) {
	q := newQueue("a", "b", "c")
	aws := &fake{function: func(values []string, _ events.KafkaEvent) (outcome, error) {
		if strings.Contains(q.history(), "ack "+values[0]) {
			t.Error("acknowledged before the function ended")
		}
		return outcome{}, nil
	}}
	consume(t, goods, q, aws, "three messages", func() bool { return q.history() == "ack a, ack b, ack c" })
	if got := aws.invocations(); got != "a b, c" {
		t.Errorf("invoked with %q", got)
	}
}

func TestAFailedBatchReturnsToTheQueueWhole(t *testing.T) {
	failures := 3
	q := newQueue("a", "b")
	aws := &fake{function: func([]string, events.KafkaEvent) (outcome, error) {
		switch failures--; {
		case failures >= 1:
			return unhandled, nil
		case failures == 0:
			return outcome{}, errThrottled
		}
		return outcome{}, nil
	}}
	d := consume(t, goods, q, aws, "success", func() bool { return strings.HasSuffix(q.history(), "ack a, ack b") })
	back := "nack(requeue true) a, nack(requeue true) b, "
	if got := q.history(); got != back+back+back+"ack a, ack b" {
		t.Error(got)
	}
	if got := aws.invocations(); got != "a b, a b, a b, a b" || d.status.state.Failures != 2 {
		t.Errorf("invoked with %q, %+v", got, d.status.state)
	}
}

func TestAMessageThatNoEventHoldsIsRejected(t *testing.T) {
	half := strings.Repeat("h", limit/2)
	q := newQueue(half, half, strings.Repeat("x", limit), "d")
	d := consume(t, goods, q, &fake{}, "the last", func() bool { return strings.HasSuffix(q.history(), "ack d") })
	h := half[:10]
	want := "ack " + h + ", reject(requeue false) xxxxxxxxxx, ack " + h + ", ack d"
	if got := q.history(); got != want {
		t.Error(got)
	}
	if d.status.state.Discarded != 1 || d.status.state.Records != 3 {
		t.Errorf("%+v", d.status.state)
	}
}

func TestFilteredMessagesAreAcknowledged(t *testing.T) {
	m := goods
	m.Filters = []map[string]any{{"data": []any{map[string]any{"prefix": "keep"}}}}
	q, aws := newQueue("drop", "keep"), &fake{}
	consume(t, m, q, aws, "both", func() bool { return q.history() == "ack drop, ack keep" })
	if got := aws.invocations(); got != "keep" {
		t.Errorf("invoked with %q", got)
	}
}

func TestAClosedChannelOrAFailedAcknowledgementEndsConsuming(t *testing.T) {
	q := newQueue("a")
	q.broken = true
	if err := newDelivery(goods, &fake{}).consume(t.Context(), q.deliveries); !errors.Is(err, errBroken) {
		t.Error(err)
	}
	q = newQueue()
	close(q.deliveries)
	if err := newDelivery(goods, &fake{}).consume(t.Context(), q.deliveries); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}
