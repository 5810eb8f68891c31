package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/ids"
)

// operated is a deployment on the emulator with nothing but a consumer's queues, those of a relay and of the schedules, and the audit.
type operated struct {
	file  string
	queue func(name, body string)
	waits func(name string) string
}

func operate(t *testing.T) operated {
	t.Helper()
	endpoint := os.Getenv(ddbtest.Endpoint)
	if endpoint == "" {
		t.Fatalf("%s is not set: run the tests by `make test`", ddbtest.Endpoint)
	}
	name := "cli-" + strings.ToLower(ids.Random(clock.System{}).New())
	outputs := map[string]string{"EndpointUrl": endpoint, "Region": "us-east-1", "FulfilOrderArn": "arn:aws:states:us-east-1:000000000000:stateMachine:" + name + "-fulfil-order",
		"CompensateOrderArn": "arn:aws:states:us-east-1:000000000000:stateMachine:" + name + "-compensate-order"}
	b, err := json.Marshal(outputs)
	if err != nil {
		t.Fatal(err)
	}
	o := operated{file: filepath.Join(t.TempDir(), "stack.json")}
	if err := os.WriteFile(o.file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := awsConfig(t.Context(), deployment{outputs: outputs}, true)
	if err != nil {
		t.Fatal(err)
	}
	client, logs := sqs.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	urls := map[string]*string{}
	for _, q := range []string{"notify", "notify-dlq", "schedules-dlq"} {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-" + q)})
		if err != nil {
			t.Fatal(err)
		}
		urls[q] = out.QueueUrl
	}
	group := "/orderflow/" + name + "/operator-actions"
	if _, err := logs.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, url := range urls {
			_, _ = client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: url})
		}
		_, _ = logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
	})
	o.queue = func(name, body string) {
		if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: urls[name], MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	o.waits = func(name string) string {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: urls[name], AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"]
	}
	return o
}

// by runs a command line and returns what it says; code is what it must end with.
func (o operated) by(t *testing.T, code int, args ...string) string {
	t.Helper()
	var out, told strings.Builder
	root := newRoot(&app{getenv: func(string) string { return "" }})
	root.SetArgs(append(args, "--stack-file", o.file))
	root.SetOut(&out)
	root.SetErr(&told)
	got := 0
	if err := root.ExecuteContext(t.Context()); err != nil {
		got = exitCode(err)
		told.WriteString(err.Error())
	}
	if got != code {
		t.Fatalf("%v ended with %d, want %d\n%s%s", args, got, code, out.String(), told.String())
	}
	return out.String() + told.String()
}

const parked = `{"specversion":"1.0","id":"e1","source":"orderflow/orders","type":"orderflow.orders.order.created.v1","subject":"` + order + `","datacontenttype":"application/json","data":{}}`

func TestAnOperatorHandlesWhatIsParkedAndItIsWrittenDown(t *testing.T) {
	o := operate(t)
	o.queue("notify-dlq", parked)
	o.queue("notify-dlq", `poison`)
	if out := o.by(t, 0, "dlq", "list"); !strings.Contains(out, "notify     consumer   2") || !strings.Contains(out, "schedules  schedules  0") {
		t.Errorf("list:\n%s", out)
	}
	var messages []struct{ MessageID, Body string }
	if err := json.Unmarshal([]byte(o.by(t, 0, "dlq", "show", "notify", "-o", "json")), &messages); err != nil || len(messages) != 2 {
		t.Fatalf("show: %v, %v", messages, err)
	}
	if out := o.by(t, 0, "dlq", "show", "notify", "--body"); !strings.Contains(out, "no event of ours") || !strings.Contains(out, "orderflow.orders.order.created.v1") || !strings.Contains(out, parked) {
		t.Errorf("show:\n%s", out)
	}
	for _, m := range messages {
		verb := map[bool]string{true: "drop", false: "redrive"}[m.Body == "poison"]
		o.by(t, 0, "dlq", verb, "notify", "--message", m.MessageID, "--reason", "INC-1 "+verb)
	}
	if o.waits("notify-dlq") != "0" || o.waits("notify") != "1" {
		t.Errorf("%s are parked, %s wait", o.waits("notify-dlq"), o.waits("notify"))
	}
	if out := o.by(t, 0, "audit", order); !strings.Contains(out, "dlq redrive") || !strings.Contains(out, "INC-1 redrive") || !strings.Contains(out, "done") || strings.Contains(out, "drop") {
		t.Errorf("audit of the order:\n%s", out)
	}
	if out := o.by(t, 0, "audit"); !strings.Contains(out, "INC-1 drop") {
		t.Errorf("audit:\n%s", out)
	}
}

func TestAnOperatorIsToldWhatIsWrong(t *testing.T) {
	o := operate(t)
	o.queue("schedules-dlq", `{}`)
	for want, args := range map[string][]string{
		"`orderflow dlq list`":        {"dlq", "show", "place-order"},
		"--message ID":                {"dlq", "drop", "notify", "--reason", "r"},
		"say why":                     {"dlq", "drop", "notify", "--all"},
		"in one line of text":         {"dlq", "drop", "notify", "--all", "--reason", "fixed\u202e"},
		"without a card number":       {"dlq", "drop", "notify", "--all", "--reason", "card 4111 1111 1111 1111"},
		"made up by the next one":     {"dlq", "redrive", "schedules", "--all", "--reason", "r"},
		"--reason is written down":    {"order", "retry", order},
		"is no order id":              {"order", "retry", "x", "--reason", "r"},
		"`orderflow dlq drop --help`": {"dlq", "drop"},
	} {
		if out := o.by(t, exitUsage, args...); !strings.Contains(out, want) {
			t.Errorf("%v says %q, want %q", args, out, want)
		}
	}
	if out := o.by(t, exitFailure, "dlq", "drop", "notify", "--message", "gone", "--reason", "r"); !strings.Contains(out, "not there") {
		t.Errorf("a message that is gone: %s", out)
	}
	if out := o.by(t, exitFailure, "order", "retry", order, "--reason", "r"); !strings.Contains(out, "there is no saga of order") {
		t.Errorf("retry of an order without a saga: %s", out)
	}
	if out := o.by(t, 0, "audit", order); !strings.Contains(out, "failed: ") {
		t.Errorf("what failed is not written down: %s", out)
	}
	o.by(t, 0, "dlq", "drop", "schedules", "--all", "--reason", "r")
	if o.waits("schedules-dlq") != "0" {
		t.Error("the missed call is still there")
	}
}
