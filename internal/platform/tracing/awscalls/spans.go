// Package awscalls makes a span of every call to AWS, by a middleware of the SDK around its
// retries.
package awscalls

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"orderflow/internal/platform/tracing"
)

// Trace makes all clients of cfg make spans.
func Trace(cfg *aws.Config) {
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		// Last in its step: then the context has the names of service and operation.
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("OrderflowSpan", span), middleware.After)
	})
}

// Start begins the span of a call that is made without a client of the SDK; tracing.End ends it.
func Start(ctx context.Context, service, operation string, attrs ...attribute.KeyValue) (context.Context, trace.Span) {
	attrs = append(attrs, attribute.String("rpc.system", "aws-api"),
		attribute.String("rpc.service", service), attribute.String("rpc.method", operation))
	return tracing.Start(ctx, service+"."+operation, tracing.Client, attrs...)
}

func span(
	ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
) (middleware.InitializeOutput, middleware.Metadata, error) {
	ctx, span := Start(ctx, awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
	if !span.IsRecording() {
		return next.HandleInitialize(ctx, in)
	}
	span.SetAttributes(attributesOf(in.Parameters)...)
	out, metadata, err := next.HandleInitialize(ctx, in)
	if attempts, ok := retry.GetAttemptResults(metadata); ok && len(attempts.Results) > 1 {
		span.SetAttributes(attribute.Int("retries", len(attempts.Results)-1))
	}
	tracing.End(span, err)
	return out, metadata, err
}

// named are the fields of inputs that name the resource of a call, and none of its content.
var named = []struct {
	field string
	key   attribute.Key
}{
	{"TableName", KeyTables}, {"IndexName", KeyIndex}, {"QueueUrl", "aws.sqs.queue.url"}, {"TopicArn", KeyTopic},
	{"StateMachineArn", KeyMachine}, {"ExecutionArn", KeyExecution},
	{"SecretId", KeySecret},
}

// Attributes that name what a call is about. Lists are separated by commas.
const (
	KeyTopic     = attribute.Key("aws.sns.topic.arn")
	KeyMachine   = attribute.Key("aws.step_functions.state_machine.arn")
	KeyExecution = attribute.Key("aws.step_functions.execution.arn")
	KeySecret    = attribute.Key("aws.secretsmanager.secret")
	KeyParameter = attribute.Key("aws.ssm.parameter.name")
	KeyLogGroup  = attribute.Key("aws.log.group.name")
	KeyTables    = attribute.Key("aws.dynamodb.table_names")
	KeyIndex     = attribute.Key("aws.dynamodb.index_name")
	// KeyWrites are the kinds of writes in a transaction: each needs its own permission, the
	// transaction none.
	KeyWrites = attribute.Key("aws.dynamodb.writes")
)

// writes are the fields of a transaction's item and the actions that they need.
var writes = []struct{ field, action string }{
	{"ConditionCheck", "ConditionCheckItem"}, {"Delete", "DeleteItem"}, {"Put", "PutItem"}, {"Update", "UpdateItem"},
}

// attributesOf finds names by reflection: a switch over the inputs would link every service into
// every function.
func attributesOf(input any) (all []attribute.KeyValue) {
	v := reflect.Indirect(reflect.ValueOf(input))
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, n := range named {
		if name := text(v, n.field); name != "" {
			all = append(all, n.key.String(name))
		}
	}
	if batch := v.FieldByName("RequestItems"); batch.Kind() == reflect.Map {
		tables := map[string]bool{}
		for _, key := range batch.MapKeys() {
			tables[key.String()] = true
		}
		all = append(all, list(KeyTables, tables))
	}
	if items := v.FieldByName("TransactItems"); items.Kind() == reflect.Slice {
		tables, kinds := map[string]bool{}, map[string]bool{}
		for i := range items.Len() {
			for _, w := range writes {
				write := items.Index(i).FieldByName(w.field)
				if write.IsValid() && write.Kind() == reflect.Pointer && !write.IsNil() {
					tables[text(write.Elem(), "TableName")], kinds[w.action] = true, true
				}
			}
		}
		all = append(all, list(KeyTables, tables), list(KeyWrites, kinds))
	}
	return all
}

// text is the string that a field points to; "" if there is none.
func text(v reflect.Value, field string) string {
	if f := v.FieldByName(field); f.IsValid() {
		if s, ok := f.Interface().(*string); ok && s != nil {
			return *s
		}
	}
	return ""
}

func list(key attribute.Key, names map[string]bool) attribute.KeyValue {
	return key.String(strings.Join(slices.Sorted(maps.Keys(names)), ","))
}
