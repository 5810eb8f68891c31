package repair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/platform/envelope"
)

// Kind is what a queue of failures belongs to.
type Kind string

// The kinds. What a consumer gave up on is in the queue itself. A relay's queue only says that there is something in the
// outbox, and that of the schedules that a call was missed, of which the next one makes up.
const (
	Consumer  Kind = "consumer"
	Relay     Kind = "relay"
	Schedules Kind = "schedules"
)

// Queue is a queue of what failed.
type Queue struct {
	// Name is that of the function: start-fulfilment, relay-orders-events, or schedules.
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Messages int    `json:"messages"`
	url      string
}

// Message is what failed.
type Message struct {
	ID       string `json:"messageId"`
	Receives int    `json:"receives"`
	Body     string `json:"body"`
	// Event is the body, where that is an event of ours.
	Event *envelope.Event `json:"-"`
	raw   types.Message
}

// Subject names the order or product that the message is about; the message itself where that is not known.
func (m Message) Subject() string {
	if m.Event != nil {
		return m.Event.Subject
	}
	return m.ID
}

// Queues are the queues of failures of one deployment.
type Queues struct {
	Client *sqs.Client
	// Stack is the name of the deployment.
	Stack string
}

// hidden is how long a message that was read stays hidden from others, in seconds, unless it is let go before.
const hidden = 60

// ErrNoQueue: there is no such queue.
var ErrNoQueue = errors.New("there is no such queue of failures")

// List returns all of them, by name.
func (q Queues) List(ctx context.Context) ([]Queue, error) {
	var all []Queue
	pages := sqs.NewListQueuesPaginator(q.Client, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(q.Stack + "-"), MaxResults: aws.Int32(1000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, url := range page.QueueUrls {
			found, ok := q.parse(url)
			if !ok {
				continue
			}
			out, err := q.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
			if err != nil {
				return nil, err
			}
			found.Messages, _ = strconv.Atoi(out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b Queue) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// parse tells by its name whether a queue is one of failures.
func (q Queues) parse(url string) (Queue, bool) {
	name, ok := strings.CutPrefix(url[strings.LastIndex(url, "/")+1:], q.Stack+"-")
	if !ok || strings.HasPrefix(name, "sandbox-") {
		return Queue{}, false
	}
	if relay, ok := strings.CutSuffix(name, "-failures"); ok {
		return Queue{Name: relay, Kind: Relay, url: url}, true
	}
	name, ok = strings.CutSuffix(name, "-dlq")
	kind := Consumer
	if name == string(Schedules) {
		kind = Schedules
	}
	return Queue{Name: name, Kind: kind, url: url}, ok
}

// Find returns the queue of a function, or ErrNoQueue.
func (q Queues) Find(ctx context.Context, name string) (Queue, error) {
	all, err := q.List(ctx)
	if err != nil {
		return Queue{}, err
	}
	i := slices.IndexFunc(all, func(found Queue) bool { return found.Name == name })
	if i < 0 {
		return Queue{}, fmt.Errorf("%w: %s", ErrNoQueue, name)
	}
	return all[i], nil
}

// Take reads up to limit messages and hides them from others for a minute. What is not deleted must be let go.
func (q Queues) Take(ctx context.Context, from Queue, limit int) ([]Message, error) {
	taken := map[string]Message{}
	for len(taken) < limit {
		out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &from.url, MaxNumberOfMessages: int32(min(10, limit-len(taken))), VisibilityTimeout: hidden, WaitTimeSeconds: 1, //nolint:gosec // G115: ten at most
			MessageAttributeNames: []string{"All"}, MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		if err != nil {
			return nil, err
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, raw := range out.Messages {
			m := Message{ID: aws.ToString(raw.MessageId), Body: aws.ToString(raw.Body), raw: raw}
			m.Receives, _ = strconv.Atoi(raw.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
			if e, err := envelope.Parse([]byte(m.Body)); err == nil {
				m.Event = &e
			}
			taken[m.ID] = m
		}
	}
	return slices.SortedFunc(maps.Values(taken), func(a, b Message) int { return strings.Compare(a.ID, b.ID) }), nil
}

// LetGo makes messages visible to others again.
func (q Queues) LetGo(ctx context.Context, from Queue, messages []Message) error {
	var failed error
	for _, m := range messages {
		_, err := q.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &from.url, ReceiptHandle: m.raw.ReceiptHandle})
		failed = errors.Join(failed, err)
	}
	return failed
}

// SendBack gives a message to its consumer again, and then deletes it from the queue of failures: whatever happens between
// the two, it is in one of them at least.
func (q Queues) SendBack(ctx context.Context, from Queue, m Message) error {
	to, err := q.Client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(q.Stack + "-" + from.Name)})
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: to.QueueUrl, MessageBody: m.raw.Body, MessageAttributes: m.raw.MessageAttributes}
	if _, err := q.Client.SendMessage(ctx, in); err != nil {
		return err
	}
	return q.Delete(ctx, from, m)
}

// Delete deletes a message for good.
func (q Queues) Delete(ctx context.Context, from Queue, m Message) error {
	_, err := q.Client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &from.url, ReceiptHandle: m.raw.ReceiptHandle})
	return err
}
