package demo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queue returns a client and the URL of a consumer's queue.
func (d *drill) queue(ctx context.Context, consumer string) (*sqs.Client, *string, error) {
	queues := sqs.NewFromConfig(d.stack.Config())
	out, err := queues.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("orderflow-" + consumer)})
	if err != nil {
		return nil, nil, err
	}
	return queues, out.QueueUrl, nil
}

// send sends a message to a consumer.
func (d *drill) send(ctx context.Context, consumer, body string) error {
	queues, url, err := d.queue(ctx, consumer)
	if err == nil {
		_, err = queues.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body})
	}
	return err
}

// impatient makes a consumer's queue redeliver messages after a second, until restore is called.
func (d *drill) impatient(ctx context.Context, consumer string) (restore func() error, err error) {
	const timeout = types.QueueAttributeNameVisibilityTimeout
	queues, url, err := d.queue(ctx, consumer)
	if err != nil {
		return nil, err
	}
	was, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{timeout},
	})
	if err != nil {
		return nil, err
	}
	set := func(ctx context.Context, seconds string) error {
		_, err := queues.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
			QueueUrl: url, Attributes: map[string]string{string(timeout): seconds},
		})
		return err
	}
	restore = func() error { return set(context.WithoutCancel(ctx), was.Attributes[string(timeout)]) }
	return restore, set(ctx, "1")
}
