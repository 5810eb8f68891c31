package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/platform/concurrent"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/outbox/tail"
)

// Kind is what a dead-letter queue belongs to.
type Kind string

// The kinds. A consumer's queue holds the messages that it gave up on. A message of the relays'
// queue only says that events are left in an outbox. One of a log's reader says which records it
// gave up on. One of a schedules' queue says that a scheduled call was missed; the next call makes
// up for it.
const (
	Consumer  Kind = "consumer"
	Relays    Kind = "relays"
	Reader    Kind = "reader"
	Schedules Kind = "schedules"
)

// Queue is a dead-letter queue.
type Queue struct {
	// Name is the name of the function, such as start-fulfilment, or relays, or schedules.
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Messages int    `json:"messages"`
	url      string
}

// Message is a message of a dead-letter queue.
type Message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
	// Error is what its consumer last logged about it, or "".
	Error string `json:"error,omitempty"`
	// Sent is when it was first sent; zero if the queue does not say.
	Sent time.Time `json:"sent,omitzero"`
	// Event is the parsed body, or nil if it is not an Orderflow event.
	Event *envelope.Event `json:"-"`
	// Part is what a relay gave up on, or nil if the body does not name a part of a stream.
	Part *Part `json:"-"`
	raw  types.Message
}

// Part is a part of the stream of a service's table.
type Part struct {
	Service, Stream string
	tail.Part
}

// Subject returns the order or product that the message is about, or the service whose relay gave
// up, or the message's id if that is unknown.
func (m Message) Subject() string {
	switch {
	case m.Event != nil:
		return m.Event.Subject
	case m.Part != nil:
		return m.Part.Service
	}
	return m.ID
}

// Ended reports whether the message says that an execution of a saga ended.
func (m Message) Ended() bool { return strings.Contains(m.Body, `"detail-type"`) }

// Ours reports whether a consumer may be able to handle the message.
func (m Message) Ours() bool { return m.Event != nil || m.Ended() }

// part reads what Lambda sends when it gives up on a batch of a stream.
func (q Queues) part(body string) *Part {
	var failure struct {
		Batch struct {
			tail.Part
			Stream string `json:"streamArn"`
		} `json:"DDBStreamBatchInfo"`
	}
	if json.Unmarshal([]byte(body), &failure) != nil {
		return nil
	}
	// arn:aws:dynamodb:<region>:<account>:table/<stack>-<service>/stream/<time>
	_, table, _ := strings.Cut(failure.Batch.Stream, ":table/"+q.Stack+"-")
	service, _, ok := strings.Cut(table, "/stream/")
	if !ok {
		return nil
	}
	return &Part{service, failure.Batch.Stream, failure.Batch.Part}
}

// Queues are the dead-letter queues of a deployment.
type Queues struct {
	Client *sqs.Client
	// Stack is the name of the deployment.
	Stack string
}

// atOnce limits the concurrent calls of AWS of one command.
const atOnce = 8

// hidden is how long a message that was taken stays invisible to others, in seconds, unless LetGo
// is called first.
const hidden = 60

const (
	messageCount = types.QueueAttributeNameApproximateNumberOfMessages
	sentAt       = types.MessageSystemAttributeNameSentTimestamp
)

// ErrNoQueue says that there is no dead-letter queue of this name.
var ErrNoQueue = errors.New("no such dead-letter queue")

// List returns all of them, sorted by name.
func (q Queues) List(ctx context.Context) ([]Queue, error) {
	urls, err := q.urls(ctx)
	if err != nil {
		return nil, err
	}
	var all []Queue
	for _, url := range urls {
		if found, ok := q.parse(url); ok {
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b Queue) int { return strings.Compare(a.Name, b.Name) })
	return all, concurrent.Do(len(all), atOnce, func(i int) (err error) {
		all[i].Messages, err = q.visible(ctx, all[i].url)
		return err
	})
}

// urls returns the URLs of all queues of the deployment.
func (q Queues) urls(ctx context.Context) (urls []string, err error) {
	in := &sqs.ListQueuesInput{QueueNamePrefix: aws.String(q.Stack + "-"), MaxResults: aws.Int32(1000)}
	pages := sqs.NewListQueuesPaginator(q.Client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		urls = append(urls, page.QueueUrls...)
	}
	return urls, nil
}

// visible counts the messages of a queue that nobody has taken.
func (q Queues) visible(ctx context.Context, url string) (int, error) {
	out, err := q.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{messageCount},
	})
	if err != nil {
		return 0, err
	}
	n, _ := strconv.Atoi(out.Attributes[string(messageCount)])
	return n, nil
}

// nameOf returns the name of the queue of an URL.
func nameOf(url string) string { return url[strings.LastIndex(url, "/")+1:] }

// parse returns the dead-letter queue of an URL; false if it is another queue, judging by its name.
func (q Queues) parse(url string) (Queue, bool) {
	name, ok := strings.CutPrefix(nameOf(url), q.Stack+"-")
	if !ok || strings.HasPrefix(name, "sandbox-") {
		return Queue{}, false
	}
	if function, ok := strings.CutSuffix(name, "-failures"); ok {
		kind := Reader
		if ofStack(function, string(Relays)) {
			kind = Relays
		}
		return Queue{Name: function, Kind: kind, url: url}, true
	}
	name, ok = strings.CutSuffix(name, "-dlq")
	kind := Consumer
	if ofStack(name, string(Schedules)) {
		kind = Schedules
	}
	return Queue{Name: name, Kind: kind, url: url}, ok
}

// ofStack reports whether a queue is the one of all relays or schedules, of the core or of a stack
// of its own, whose name is put before it.
func ofStack(name, all string) bool { return name == all || strings.HasSuffix(name, "-"+all) }

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

// Take receives up to limit messages and hides them from others for a minute. The caller must
// delete each message or make it visible with LetGo.
func (q Queues) Take(ctx context.Context, from Queue, limit int) ([]Message, error) {
	taken := map[string]Message{}
	for len(taken) < limit {
		out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &from.url, VisibilityTimeout: hidden, WaitTimeSeconds: 1,
			MaxNumberOfMessages:   int32(min(10, limit-len(taken))), //nolint:gosec // G115: at most ten
			MessageAttributeNames: []string{"All"},

			MessageSystemAttributeNames: []types.MessageSystemAttributeName{sentAt},
		})
		if err != nil {
			return nil, err
		}
		if len(out.Messages) == 0 {
			break
		}
		for _, raw := range out.Messages {
			m := Message{ID: aws.ToString(raw.MessageId), Body: aws.ToString(raw.Body), raw: raw}
			if ms, err := strconv.ParseInt(raw.Attributes[string(sentAt)], 10, 64); err == nil {
				m.Sent = time.UnixMilli(ms).UTC()
			}
			if e, err := envelope.Parse([]byte(m.Body)); err == nil {
				m.Event = &e
			}
			m.Part = q.part(m.Body)
			taken[m.ID] = m
		}
	}
	return slices.SortedFunc(maps.Values(taken), func(a, b Message) int { return strings.Compare(a.ID, b.ID) }), nil
}

// Look returns up to limit messages and makes them visible to others again. SQS cannot show a
// message without counting that as a receive; a dead-letter queue ignores the count.
func (q Queues) Look(ctx context.Context, from Queue, limit int) ([]Message, error) {
	messages, err := q.Take(ctx, from, limit)
	return messages, errors.Join(err, q.LetGo(ctx, from, messages))
}

// LetGo makes messages visible to others again.
func (q Queues) LetGo(ctx context.Context, from Queue, messages []Message) error {
	var failed error
	for _, m := range messages {
		in := &sqs.ChangeMessageVisibilityInput{QueueUrl: &from.url, ReceiptHandle: m.raw.ReceiptHandle}
		_, err := q.Client.ChangeMessageVisibility(ctx, in)
		failed = errors.Join(failed, err)
	}
	return failed
}

// SendBack sends a message to its consumer again, then deletes it from the dead-letter queue. If it
// fails between the two, the message is in both queues, never in none.
func (q Queues) SendBack(ctx context.Context, from Queue, m Message) error {
	to, err := q.Client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(q.Stack + "-" + from.Name)})
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{QueueUrl: to.QueueUrl, MessageBody: m.raw.Body,
		MessageAttributes: m.raw.MessageAttributes}
	if _, err := q.Client.SendMessage(ctx, in); err != nil {
		return err
	}
	return q.Delete(ctx, from, m)
}

// Delete deletes a message for good.
func (q Queues) Delete(ctx context.Context, from Queue, m Message) error {
	in := &sqs.DeleteMessageInput{QueueUrl: &from.url, ReceiptHandle: m.raw.ReceiptHandle}
	_, err := q.Client.DeleteMessage(ctx, in)
	return err
}
