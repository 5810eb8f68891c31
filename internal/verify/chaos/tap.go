package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox/snstopic"
)

// tapQueue is the queue that receives all published events.
const tapQueue = "chaos-tap"

// tap records every event, to publish it again.
type tap struct {
	run    *run
	queues *sqs.Client
	topics map[string]snstopic.Topic // by service
	queue  string
	random *rand.Rand
	seen   map[string]bool
	heard  []envelope.Event
	due    []copied
}

// copied is an event to publish again.
type copied struct {
	envelope.Event
	at time.Time
}

// eavesdrop subscribes a queue to all topics.
func (r *run) eavesdrop(ctx context.Context) (*tap, error) {
	t := &tap{run: r, queues: sqs.NewFromConfig(r.stack.Config()), topics: map[string]snstopic.Topic{},
		random: r.rand(4), seen: map[string]bool{}}
	made, err := t.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(tapQueue)})
	if err != nil {
		return nil, err
	}
	t.queue = aws.ToString(made.QueueUrl)
	attributes, err := t.queues.GetQueueAttributes(ctx,
		&sqs.GetQueueAttributesInput{QueueUrl: &t.queue,
			AttributeNames: []sqsAttribute{types.QueueAttributeNameQueueArn}})
	if err != nil {
		return nil, err
	}
	arn := attributes.Attributes["QueueArn"]
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + arn + `"}]}`
	if _, err := t.queues.SetQueueAttributes(ctx,
		&sqs.SetQueueAttributesInput{QueueUrl: &t.queue, Attributes: map[string]string{"Policy": policy}}); err != nil {
		return nil, err
	}
	client := sns.NewFromConfig(r.stack.Config())
	for _, service := range []string{"catalog", "inventory", "orders", "payments", "shipping"} {
		// The topic's ARN differs from the queue's in the service and the name only.
		topic := strings.NewReplacer(":sqs:", ":sns:", ":"+tapQueue, ":orderflow-"+service).Replace(arn)
		_, err := client.Subscribe(ctx, &sns.SubscribeInput{TopicArn: &topic, Protocol: aws.String("sqs"),
			Endpoint: &arn, Attributes: map[string]string{"RawMessageDelivery": "true"}})
		if err != nil {
			return nil, fmt.Errorf("subscribe to %s: %w", topic, err)
		}
		t.topics[service] = snstopic.Topic{Client: client, ARN: topic}
	}
	return t, nil
}

// duplicate publishes every third event again, once or twice, up to ten seconds late, until ctx
// ends.
func (t *tap) duplicate(ctx context.Context) error {
	for clock.Sleep(ctx, 100*time.Millisecond) == nil {
		for _, e := range t.listen(ctx) {
			t.heard = append(t.heard, e)
			for n := t.random.IntN(6); n >= 4; n-- { // 0 to 3: none, 4: one, 5: two
				t.due = append(t.due,
					copied{e, time.Now().Add(time.Duration(t.random.Int64N(int64(10 * time.Second))))})
			}
		}
		var later []copied
		for _, c := range t.due {
			if time.Now().Before(c.at) {
				later = append(later, c)
				continue
			}
			t.publish(ctx, c.Event)
		}
		t.due = later
	}
	return nil
}

// listen returns new events.
func (t *tap) listen(ctx context.Context) (news []envelope.Event) {
	for {
		out, err := t.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &t.queue, MaxNumberOfMessages: 10})
		if err != nil || len(out.Messages) == 0 {
			return news
		}
		for _, m := range out.Messages {
			_, _ = t.queues.DeleteMessage(ctx,
				&sqs.DeleteMessageInput{QueueUrl: &t.queue, ReceiptHandle: m.ReceiptHandle})
			e, err := envelope.Parse([]byte(aws.ToString(m.Body)))
			if err == nil && !t.seen[e.ID] {
				t.seen[e.ID] = true
				news = append(news, e)
			}
		}
	}
}

// publish publishes an event again, to all its consumers.
func (t *tap) publish(ctx context.Context, e envelope.Event) {
	service, _, _ := strings.Cut(strings.TrimPrefix(e.Type, "orderflow."), ".")
	if failed, err := t.topics[service].Publish(ctx, []envelope.Event{e}); err != nil || len(failed) > 0 {
		return // a copy that is not made
	}
	t.run.lock.Lock()
	defer t.run.lock.Unlock()
	t.run.copies++
}

// replay publishes up to n of the recorded events again, and returns how many.
func (t *tap) replay(ctx context.Context, n int) int {
	n = min(n, len(t.heard))
	for _, i := range t.random.Perm(len(t.heard))[:n] {
		t.publish(ctx, t.heard[i])
	}
	return n
}
