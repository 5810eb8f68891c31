// Package snstopic publishes the outbox to Amazon SNS. Only relays and health checks need it. As
// part of package outbox, the SDK's client would slow down the start of every function with a
// table.
package snstopic

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/function"
)

// Topic is an outbox.Topic of Amazon SNS. The message attribute `type` is the event's type, by
// which subscriptions filter.
type Topic struct {
	Client *sns.Client
	ARN    string
}

// Publish publishes up to ten events in one call.
func (t Topic) Publish(ctx context.Context, batch []envelope.Event) (map[string]error, error) {
	entries := make([]types.PublishBatchRequestEntry, 0, len(batch))
	for _, e := range batch {
		body, err := e.MarshalJSON()
		if err != nil {
			return nil, err
		}
		entries = append(entries, types.PublishBatchRequestEntry{
			Id: aws.String(e.ID), Message: aws.String(string(body)),
			MessageAttributes: map[string]types.MessageAttributeValue{
				"type": {DataType: aws.String("String"), StringValue: aws.String(e.Type)},
			},
		})
	}
	in := &sns.PublishBatchInput{TopicArn: &t.ARN, PublishBatchRequestEntries: entries}
	out, err := t.Client.PublishBatch(ctx, in)
	if err != nil {
		return nil, err
	}
	failed := map[string]error{}
	for _, f := range out.Failed {
		failed[aws.ToString(f.Id)] = errors.New(aws.ToString(f.Code) + ": " + aws.ToString(f.Message))
	}
	return failed, nil
}

// Reach returns nil if the topic exists and answers. Only a publish shows that it accepts messages.
func (t Topic) Reach(ctx context.Context) error {
	_, err := t.Client.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: &t.ARN})
	return err
}

// FromEnv returns the topic TOPIC_ARN.
func FromEnv(env *function.Env) Topic {
	return Topic{Client: sns.NewFromConfig(env.AWS()), ARN: env.Require("TOPIC_ARN")}
}
