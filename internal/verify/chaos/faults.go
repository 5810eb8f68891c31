package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox/snstopic"
)

// killProcesses kills processes of functions, one at a time, until ctx ends: nearly always a busy
// one, which does the most damage. It only kills functions of this emulator.
func (r *run) killProcesses(ctx context.Context) error {
	random := r.rand(2)
	every := r.duration() / time.Duration(r.kills()*3/2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		candidates, err := r.stack.Emulator.Functions()
		if err != nil {
			return err
		}
		if len(candidates) == 0 {
			continue
		}
		busy := busyOnes(ctx, candidates)
		killsBusy := len(busy) > 0 && random.IntN(10) > 0
		if killsBusy {
			candidates = busy
		}
		victim := candidates[random.IntN(len(candidates))]
		killed, err := victim.Kill()
		if err != nil {
			return err
		}
		if killed {
			r.locked(func() {
				r.killed[strings.TrimPrefix(strings.TrimPrefix(victim.Function, "orderflow-"), "local-")]++
				if killsBusy {
					r.killedBusy++
				}
			})
		}
	}
	return nil
}

// killBrokers kills each broker once, in the middle of the faults, and starts it again. A broker
// that is down is started again even if ctx ends.
func (r *run) killBrokers(ctx context.Context) error {
	for _, b := range []*brokers.Broker{r.brokers.Kafka, r.brokers.RabbitMQ} {
		if ended := clock.Sleep(ctx, r.duration()/4); ended != nil {
			return nil //nolint:nilerr // too few faults: the caller reports it
		}
		if err := b.Kill(); err != nil {
			return err
		}
		_ = clock.Sleep(ctx, 5*time.Second)
		if err := b.Restart(context.WithoutCancel(ctx)); err != nil {
			return err
		}
		r.locked(func() { r.restarted++ })
	}
	return nil
}

func busyOnes(ctx context.Context, processes []devstack.FunctionProcess) (busy []devstack.FunctionProcess) {
	before := make([]int64, len(processes))
	for i, p := range processes {
		before[i] = p.Worked()
	}
	_ = clock.Sleep(ctx, 5*time.Millisecond)
	for i, p := range processes {
		if p.Worked() > before[i] {
			busy = append(busy, p)
		}
	}
	return busy
}

// maxStops is the maximum number of stops per order. Recovery leaves the order to an operator after
// the fifth.
const maxStops = 3

// stopExecutions stops executions, one at a time, until ctx ends. An execution that cannot be
// stopped has ended.
func (r *run) stopExecutions(ctx context.Context) error {
	random := r.rand(3)
	every := r.duration() / time.Duration(r.stops()*2+1)
	for clock.Sleep(ctx, time.Duration(random.Int64N(int64(2*every)))) == nil {
		running, err := r.shop.Running(ctx, r.shop.Machines()[random.IntN(2)])
		if err != nil || len(running) == 0 {
			continue // try again next time
		}
		victim := running[random.IntN(len(running))]
		order, _, _ := strings.Cut(aws.ToString(victim.Name), "-") // then a number, if any
		if r.stopped[order] >= maxStops {                          // only this actor writes it
			continue
		}
		if _, err := sfn.NewFromConfig(r.stack.Config()).StopExecution(ctx,
			&sfn.StopExecutionInput{ExecutionArn: victim.ExecutionArn, Cause: aws.String("chaos")}); err == nil {
			r.locked(func() { r.stopped[order]++ })
		}
	}
	return nil
}

// tapQueue is the queue that receives all published events.
const tapQueue = "chaos-tap"

// copier records every event, to publish it again.
type copier struct {
	run    *run
	queues *sqs.Client
	topics map[string]snstopic.Topic // by service
	queue  *string
	random *rand.Rand
	events []envelope.Event
}

// newCopier subscribes a queue to all topics.
func (r *run) newCopier(ctx context.Context) (*copier, error) {
	c := &copier{run: r, queues: sqs.NewFromConfig(r.stack.Config()), topics: map[string]snstopic.Topic{},
		random: r.rand(4)}
	account := strings.Split(r.stack.Outputs["FulfilOrderArn"], ":")[3:5]
	arn := func(service, name string) string {
		return fmt.Sprintf("arn:aws:%s:%s:%s", service, strings.Join(account, ":"), name)
	}
	queue, err := c.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(tapQueue),
		Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
			`"Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` +
			arn("sqs", tapQueue) + `"}]}`}})
	if err != nil {
		return nil, err
	}
	c.queue = queue.QueueUrl
	topics := sns.NewFromConfig(r.stack.Config())
	for _, service := range []string{"catalog", "inventory", "orders", "payments", "shipping"} {
		topic := arn("sns", "orderflow-"+service)
		in := &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"),
			Endpoint: aws.String(arn("sqs", tapQueue)), Attributes: map[string]string{"RawMessageDelivery": "true"}}
		if _, err := topics.Subscribe(ctx, in); err != nil {
			return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
		}
		c.topics[service] = snstopic.Topic{Client: topics, ARN: topic}
	}
	return c, nil
}

// copyEvents publishes every third event again, once or twice, up to ten seconds late, until ctx
// ends.
func (c *copier) copyEvents(ctx context.Context) error {
	var copies sync.WaitGroup
	defer copies.Wait()
	for clock.Sleep(ctx, 50*time.Millisecond) == nil {
		for _, e := range c.newEvents(ctx) {
			for n := c.random.IntN(6); n >= 4; n-- { // 0 to 3: none, 4: one, 5: two
				late := time.Duration(c.random.Int64N(int64(10 * time.Second)))
				copies.Go(func() {
					if clock.Sleep(ctx, late) == nil {
						c.publish(ctx, e)
					}
				})
			}
		}
	}
	return nil
}

// newEvents returns the new events of one batch. It does not wait until the queue is empty: under
// load it never is.
func (c *copier) newEvents(ctx context.Context) (all []envelope.Event) {
	out, err := c.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: c.queue, MaxNumberOfMessages: 10})
	if err != nil || len(out.Messages) == 0 {
		return nil
	}
	var handled []sqstypes.DeleteMessageBatchRequestEntry
	for _, m := range out.Messages {
		handled = append(handled, sqstypes.DeleteMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(len(handled))), ReceiptHandle: m.ReceiptHandle})
		e, err := envelope.Parse([]byte(aws.ToString(m.Body)))
		known := func(k envelope.Event) bool { return k.ID == e.ID }
		if err == nil && !slices.ContainsFunc(c.events, known) {
			c.events, all = append(c.events, e), append(all, e)
		}
	}
	_, _ = c.queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: c.queue, Entries: handled})
	return all
}

// publish publishes an event again, to all its consumers.
func (c *copier) publish(ctx context.Context, e envelope.Event) {
	service, _, _ := strings.Cut(strings.TrimPrefix(e.Type, "orderflow."), ".")
	if failed, err := c.topics[service].Publish(ctx, []envelope.Event{e}); err == nil && len(failed) == 0 {
		c.run.locked(func() { c.run.copied++ })
	}
}

// replay publishes up to n of the recorded events again, and returns how many.
func (c *copier) replay(ctx context.Context, n int) int {
	n = min(n, len(c.events))
	for _, i := range c.random.Perm(len(c.events))[:n] {
		c.publish(ctx, c.events[i])
	}
	return n
}
