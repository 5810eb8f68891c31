// Package awscalls makes a span of every call to AWS. It hangs in the SDK's own chain of middleware, around its retries.
package awscalls

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
)

// Trace has all clients of cfg make spans.
func Trace(cfg *aws.Config) {
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		// Last in its step: by then the call's names are in the context.
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("OrderflowSpan", span), middleware.After)
	})
}

// Start begins the span of a call, for those that are made without the SDK's client. Its end is tracing.End.
func Start(ctx context.Context, service, operation string) (context.Context, trace.Span) {
	return tracing.Start(ctx, service+"."+operation, tracing.Client, attribute.String("rpc.system", "aws-api"),
		attribute.String("rpc.service", service), attribute.String("rpc.method", operation))
}

func span(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	ctx, span := Start(ctx, awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
	if !span.IsRecording() {
		return next.HandleInitialize(ctx, in)
	}
	span.SetAttributes(resource(in.Parameters))
	out, metadata, err := next.HandleInitialize(ctx, in)
	if attempts, ok := retry.GetAttemptResults(metadata); ok && len(attempts.Results) > 1 {
		span.SetAttributes(attribute.Int("retries", len(attempts.Results)-1))
	}
	tracing.End(span, err)
	return out, metadata, err
}

// resources are the fields of inputs that name what a call is about, and nothing of what it carries.
var resources = []struct {
	field string
	key   attribute.Key
}{
	{"TableName", "aws.dynamodb.table_names"}, {"QueueUrl", "aws.sqs.queue.url"}, {"TopicArn", "aws.sns.topic.arn"},
	{"StateMachineArn", "aws.step_functions.state_machine.arn"}, {"SecretId", "aws.secretsmanager.secret"},
}

// resource looks for the name by reflection: a switch over the inputs would link every service into every function.
func resource(input any) attribute.KeyValue {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return attribute.KeyValue{}
	}
	for _, r := range resources {
		if f := v.FieldByName(r.field); f.IsValid() {
			if name, ok := f.Interface().(*string); ok && name != nil {
				return r.key.String(*name)
			}
		}
	}
	return attribute.KeyValue{}
}
