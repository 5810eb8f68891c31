// Package queuetest gives tests the queues of a deployment on the emulator.
package queuetest

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queues are a test's own. They are deleted at its end.
type Queues struct {
	t      *testing.T
	client *sqs.Client
	urls   map[string]*string
}

// anybodySends is the policy of the queues: a topic needs one.
const anybodySends = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*",` +
	`"Action":"sqs:SendMessage","Resource":"*"}]}`

// Create creates the queues of a stack with the given names.
func Create(t *testing.T, client *sqs.Client, stack string, names ...string) Queues {
	t.Helper()
	q := Queues{t: t, client: client, urls: map[string]*string{}}
	for _, name := range names {
		full := stack + "-" + name
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
			QueueName: &full, Attributes: map[string]string{"Policy": anybodySends},
		})
		if err != nil {
			t.Fatal(err)
		}
		q.urls[name] = out.QueueUrl
		t.Cleanup(func() {
			_, _ = client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl})
		})
	}
	return q
}

// Send puts a message into a queue exactly once. If the answer is lost, as on a busy machine, the
// SDK would send the message again, and there would be two.
func (q Queues) Send(queue, body string) {
	q.t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: q.urls[queue], MessageBody: &body}
	once := func(o *sqs.Options) { o.RetryMaxAttempts = 1 }
	before, failed := q.Waiting(queue), error(nil)
	for range 3 {
		_, err := q.client.SendMessage(q.t.Context(), in, once)
		if err == nil || q.Waiting(queue) != before {
			return
		}
		failed = errors.Join(failed, err)
	}
	q.t.Fatal(failed)
}

// Waiting returns how many messages of a queue are visible.
func (q Queues) Waiting(queue string) string {
	q.t.Helper()
	return q.count(queue, types.QueueAttributeNameApproximateNumberOfMessages)
}

// Hidden returns how many messages of a queue a receiver holds.
func (q Queues) Hidden(queue string) string {
	q.t.Helper()
	return q.count(queue, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
}

func (q Queues) count(queue string, count types.QueueAttributeName) string {
	q.t.Helper()
	out, err := q.client.GetQueueAttributes(q.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: q.urls[queue], AttributeNames: []types.QueueAttributeName{count},
	})
	if err != nil {
		q.t.Fatal(err)
	}
	return out.Attributes[string(count)]
}
