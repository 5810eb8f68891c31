package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/ids"
)

// operated is a deployment on the emulator, with only the queues of a consumer, the dead-letter
// queue of the schedules, and the audit log.
type operated struct {
	stackFile string
	send      func(queue, body string)
	waiting   func(queue string) string
}

func operate(t *testing.T) operated {
	t.Helper()
	endpoint := os.Getenv(ddbtest.Endpoint)
	if endpoint == "" {
		t.Fatalf("%s is not set: run the tests by `make test`", ddbtest.Endpoint)
	}
	name := "cli-" + strings.ToLower(ids.Random(clock.System{}).New())
	machine := "arn:aws:states:us-east-1:000000000000:stateMachine:" + name
	outputs := map[string]string{"EndpointUrl": endpoint, "Region": "us-east-1",
		"FulfilOrderArn": machine + "-fulfil-order", "CompensateOrderArn": machine + "-compensate-order"}
	b, err := json.Marshal(outputs)
	if err != nil {
		t.Fatal(err)
	}
	o := operated{stackFile: filepath.Join(t.TempDir(), "stack.json")}
	if err := os.WriteFile(o.stackFile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := awsConfig(t.Context(), deployment{outputs: outputs}, true)
	if err != nil {
		t.Fatal(err)
	}
	client, logs := sqs.NewFromConfig(cfg), cloudwatchlogs.NewFromConfig(cfg)
	urls := map[string]*string{}
	for _, q := range []string{"notify", "notify-dlq", "schedules-dlq", "read-log-failures"} {
		out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-" + q)})
		if err != nil {
			t.Fatal(err)
		}
		urls[q] = out.QueueUrl
	}
	group := "/orderflow/" + name + "/operator-actions"
	createGroup := &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}
	if _, err := logs.CreateLogGroup(t.Context(), createGroup); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, url := range urls {
			_, _ = client.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: url})
		}
		_, _ = logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
	})
	o.send = func(queue, body string) {
		in := &sqs.SendMessageInput{QueueUrl: urls[queue], MessageBody: &body}
		if _, err := client.SendMessage(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	o.waiting = func(queue string) string {
		const count = types.QueueAttributeNameApproximateNumberOfMessages
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: urls[queue], AttributeNames: []types.QueueAttributeName{count},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes[string(count)]
	}
	return o
}

// run runs a command line, which must exit with code, and returns what it prints.
func (o operated) run(t *testing.T, code int, args ...string) string {
	t.Helper()
	var stdout, stderr strings.Builder
	root := newRoot(&app{getenv: func(string) string { return "" }})
	root.SetArgs(append(args, "--stack-file", o.stackFile))
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	got := 0
	if err := root.ExecuteContext(t.Context()); err != nil {
		got = exitCode(err)
		stderr.WriteString(err.Error())
	}
	if got != code {
		t.Fatalf("%v exited with %d, want %d\n%s%s", args, got, code, stdout.String(), stderr.String())
	}
	return stdout.String() + stderr.String()
}

// contains reports whether text contains all parts.
func contains(text string, parts ...string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

const parked = `{"specversion":"1.0","id":"e1","source":"orderflow/orders",` +
	`"type":"orderflow.orders.order.created.v1","subject":"` + order + `",` +
	`"datacontenttype":"application/json","data":{}}`

func TestRedriveAndDropAreRecorded(t *testing.T) {
	o := operate(t)
	o.send("notify-dlq", parked)
	o.send("notify-dlq", `poison`)
	if out := o.run(t, 0, "dlq", "list"); !contains(out, "notify     consumer   2", "schedules  schedules  0",
		"read-log   reader     0") {
		t.Errorf("list:\n%s", out)
	}
	var messages []struct{ MessageID, Body string }
	err := json.Unmarshal([]byte(o.run(t, 0, "dlq", "show", "notify", "-o", "json")), &messages)
	if err != nil || len(messages) != 2 {
		t.Fatalf("show: %v, %v", messages, err)
	}
	visible := func() {
		for tries := 0; o.waiting("notify-dlq") == "0" && tries < 100; tries++ {
			time.Sleep(100 * time.Millisecond)
		}
	}
	visible()
	out := o.run(t, 0, "dlq", "show", "notify", "--body")
	if !contains(out, "not an Orderflow event", "orderflow.orders.order.created.v1", parked) {
		t.Errorf("show:\n%s", out)
	}
	for _, m := range messages {
		visible()
		verb := map[bool]string{true: "drop", false: "redrive"}[m.Body == "poison"]
		o.run(t, 0, "dlq", verb, "notify", "--message", m.MessageID, "--reason", "INC-1 "+verb)
	}
	if o.waiting("notify-dlq") != "0" || o.waiting("notify") != "1" {
		t.Errorf("notify-dlq has %s messages, notify %s", o.waiting("notify-dlq"), o.waiting("notify"))
	}
	out = o.run(t, 0, "audit", order)
	if !contains(out, "dlq redrive", "INC-1 redrive", "done") || strings.Contains(out, "drop") {
		t.Errorf("audit of the order:\n%s", out)
	}
	if out := o.run(t, 0, "audit"); !strings.Contains(out, "INC-1 drop") {
		t.Errorf("audit:\n%s", out)
	}
}

func TestErrorsOfOperatorsCommands(t *testing.T) {
	o := operate(t)
	o.send("schedules-dlq", `{}`)
	for want, args := range map[string][]string{
		"`orderflow dlq list`":        {"dlq", "show", "place-order"},
		"--message ID":                {"dlq", "drop", "notify", "--reason", "r"},
		"say why":                     {"dlq", "drop", "notify", "--all"},
		"in one line of text":         {"dlq", "drop", "notify", "--all", "--reason", "fixed\u202e"},
		"without a card number":       {"dlq", "drop", "notify", "--all", "--reason", "card 4111 1111 1111 1111"},
		"the next scheduled call":     {"dlq", "redrive", "schedules", "--all", "--reason", "r"},
		"`orderflow report rebuild`":  {"dlq", "redrive", "read-log", "--all", "--reason", "r"},
		"recorded in the audit log":   {"order", "retry", order},
		"is not an order id":          {"order", "retry", "x", "--reason", "r"},
		"`orderflow dlq drop --help`": {"dlq", "drop"},
	} {
		if out := o.run(t, exitUsage, args...); !strings.Contains(out, want) {
			t.Errorf("%v prints %q, want %q", args, out, want)
		}
	}
	out := o.run(t, exitFailure, "dlq", "drop", "notify", "--message", "gone", "--reason", "r")
	if !strings.Contains(out, "not found") {
		t.Errorf("a message that is gone: %s", out)
	}
	if out := o.run(t, exitFailure, "order", "retry", order, "--reason", "r"); !strings.Contains(out, "has no saga") {
		t.Errorf("retry of an order without a saga: %s", out)
	}
	if out := o.run(t, 0, "audit", order); !strings.Contains(out, "failed: ") {
		t.Errorf("the failure is not recorded: %s", out)
	}
	o.run(t, 0, "dlq", "drop", "schedules", "--all", "--reason", "r")
	if o.waiting("schedules-dlq") != "0" {
		t.Error("the missed call is still there")
	}
}
