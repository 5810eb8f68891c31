package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/ops/repair/queuetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/outbox/tail"
)

// operated is a deployment on the emulator, with only the queues of a consumer, the dead-letter
// queue of the schedules, and the audit log.
type operated struct {
	queuetest.Queues
	name      string
	cfg       aws.Config
	stackFile string
}

func operate(t *testing.T) operated {
	t.Helper()
	name := "cli-" + strings.ToLower(ids.Random(clock.System{}).New())
	machine := "arn:aws:states:us-east-1:000000000000:stateMachine:" + name
	outputs := map[string]string{
		"EndpointUrl": ddbtest.Emulator(t), "Region": "us-east-1", "TeaTableName": name + "-tea",
		"FulfilOrderArn": machine + "-fulfil-order", "CompensateOrderArn": machine + "-compensate-order",
	}
	b, err := json.Marshal(outputs)
	if err != nil {
		t.Fatal(err)
	}
	o := operated{name: name, stackFile: filepath.Join(t.TempDir(), "stack.json")}
	if err := os.WriteFile(o.stackFile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := awsConfig(t.Context(), deployment{outputs: outputs}, true)
	if err != nil {
		t.Fatal(err)
	}
	o.cfg = cfg
	o.Queues = queuetest.Create(t, sqs.NewFromConfig(cfg), name,
		"notify", "notify-dlq", "schedules-dlq", "read-log-failures", "relays-failures", "heard")
	logs := cloudwatchlogs.NewFromConfig(cfg)
	group := "/orderflow/" + name + "/operator-actions"
	createGroup := &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}
	if _, err := logs.CreateLogGroup(t.Context(), createGroup); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = logs.DeleteLogGroup(context.Background(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &group})
	})
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
	o.Send("notify-dlq", parked)
	o.Send("notify-dlq", `poison`)
	if out := o.run(t, 0, "dlq", "list"); !contains(out, "notify     consumer   2         unknown  ", order,
		"docs/runbooks/dead-letter-queue.md", "schedules  schedules  0         -", "read-log   reader     0",
		"relays     relays     0") {
		t.Errorf("list:\n%s", out)
	}
	var messages []struct{ MessageID, Body string }
	err := json.Unmarshal([]byte(o.run(t, 0, "dlq", "show", "notify", "-o", "json")), &messages)
	if err != nil || len(messages) != 2 {
		t.Fatalf("show: %v, %v", messages, err)
	}
	visible := func() {
		for tries := 0; o.Waiting("notify-dlq") == "0" && tries < 100; tries++ {
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
		verb := "redrive"
		if m.Body == "poison" {
			verb = "drop"
			out := o.run(t, exitFailure, "dlq", "redrive", "notify", "--message", m.MessageID, "--reason", "r")
			if !strings.Contains(out, "--force sends it") {
				t.Errorf("redrive of what is no event: %s", out)
			}
			visible()
		}
		o.run(t, 0, "dlq", verb, "notify", "--message", m.MessageID, "--reason", "INC-1 "+verb)
	}
	if o.Waiting("notify-dlq") != "0" || o.Waiting("notify") != "1" {
		t.Errorf("notify-dlq has %s messages, notify %s", o.Waiting("notify-dlq"), o.Waiting("notify"))
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
	o.Send("schedules-dlq", `{}`)
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
	if o.Waiting("schedules-dlq") != "0" {
		t.Error("the missed call is still there")
	}
}

// tea makes the table and the topic of a service with a relay. What is published gets into the
// queue heard. It returns the stream.
func (o operated) tea(t *testing.T) (*ddb.Table, tail.Stream) {
	t.Helper()
	table := ddb.Open(o.cfg, o.name+"-tea", clock.System{})
	made, err := table.Client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &table.Name, BillingMode: dbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dbtypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: "S"},
			{AttributeName: aws.String("sk"), AttributeType: "S"},
		},
		KeySchema: []dbtypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"},
		},
		StreamSpecification: &dbtypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "NEW_IMAGE"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = table.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table.Name})
	})
	topics := sns.NewFromConfig(o.cfg)
	topic, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: &table.Name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = topics.DeleteTopic(context.Background(), &sns.DeleteTopicInput{TopicArn: topic.TopicArn})
	})
	if _, err := topics.Subscribe(t.Context(), &sns.SubscribeInput{
		TopicArn: topic.TopicArn, Protocol: aws.String("sqs"),
		Endpoint: aws.String("arn:aws:sqs:us-east-1:000000000000:" + o.name + "-heard"),
	}); err != nil {
		t.Fatal(err)
	}
	arn := aws.ToString(made.TableDescription.LatestStreamArn)
	return table, tail.Stream{Client: dynamodbstreams.NewFromConfig(o.cfg), ARN: arn}
}

func TestRelaysPartIsPublishedOrItsMessageStays(t *testing.T) {
	o := operate(t)
	table, stream := o.tea(t)
	tea := envelope.Publisher{Service: "tea", Clock: clock.System{}, IDs: ids.Random(clock.System{})}
	event := tea.New(t.Context(), "orderflow.tea.pot.brewed.v1", "1", 1, struct{}{})
	pot := table.Save("pot#1", "pot", struct{}{})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(table.Commit(t.Context(), commit.With{Events: []envelope.Event{event}}, pot))
	must(table.PutAside(t.Context(), []outbox.Item{{Malformed: "no event"}})) // does not stop the redrive
	shards, err := stream.Shards(t.Context())
	must(err)
	part := func(to string) string {
		b, _ := json.Marshal(map[string]any{"DDBStreamBatchInfo": map[string]string{
			"shardId": shards[0].Shard, "streamArn": stream.ARN, "startSequenceNumber": first(t, stream, shards[0]),
			"endSequenceNumber": to,
		}})
		return string(b)
	}
	redrive := []string{"dlq", "redrive", "relays", "--all", "--reason", "INC-2"}
	for _, c := range []struct{ to, waiting, heard, says string }{
		{strings.Repeat("9", 40), "1", "0", tail.ErrPart.Error()},
		{first(t, stream, shards[0]), "0", "1", "succeeded for 1 messages"},
	} {
		o.Send("relays-failures", part(c.to))
		out := o.run(t, 1, redrive...)
		waits := func() string { return o.Waiting("relays-failures") + " " + o.Waiting("heard") }
		for tries := 0; waits() != c.waiting+" "+c.heard && tries < 50; tries++ {
			time.Sleep(100 * time.Millisecond)
		}
		if got := waits(); got != c.waiting+" "+c.heard || !contains(out, c.says, "malformed-") {
			t.Errorf("to %s: %s messages and events, want %s %s\n%s", c.to, got, c.waiting, c.heard, out)
		}
		o.run(t, 0, "dlq", "drop", "relays", "--all", "--reason", "INC-2")
	}
}

// Messages are hidden for a minute only, and an outbox may take longer.
func TestOutboxesArePublishedBeforeMessagesAreTaken(t *testing.T) {
	o := operate(t)
	o.tea(t)
	published := false
	root := newRoot(&app{getenv: func(string) string { return "" }})
	root.SetArgs([]string{"dlq", "redrive", "relays", "--all", "--reason", "r", "--stack-file", o.stackFile})
	root.SetErr(writes(func(text string) {
		if !published && strings.Contains(text, "tea: published 0 events") {
			published = true
			o.Send("relays-failures", "late")
		}
	}))
	if err := root.ExecuteContext(t.Context()); !published || !strings.Contains(fmt.Sprint(err), "name a part") {
		t.Errorf("published %v, %v; want the message that came meanwhile refused", published, err)
	}
}

// writes is a writer that calls a function with each text.
type writes func(string)

func (w writes) Write(b []byte) (int, error) { w(string(b)); return len(b), nil }

// first returns the sequence number of the first record of a shard.
func first(t *testing.T, s tail.Stream, shard tail.Part) string {
	t.Helper()
	start, err := s.Client.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &s.ARN, ShardId: &shard.Shard, ShardIteratorType: "TRIM_HORIZON",
	})
	if err != nil {
		t.Fatal(err)
	}
	in := &dynamodbstreams.GetRecordsInput{ShardIterator: start.ShardIterator}
	page, err := s.Client.GetRecords(t.Context(), in)
	if err != nil || len(page.Records) == 0 {
		t.Fatalf("no record: %v", err)
	}
	return aws.ToString(page.Records[0].Dynamodb.SequenceNumber)
}
