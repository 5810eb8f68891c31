package repair_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/ops/repair"
	"orderflow/internal/ops/repair/queuetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/outbox/tail"
)

// stack returns a deployment of its own with the given queues.
func stack(t *testing.T, names ...string) (repair.Queues, queuetest.Queues) {
	t.Helper()
	name := "ops-" + strings.ToLower(ids.Random(clock.System{}).New())
	q := repair.Queues{Client: sqs.NewFromConfig(ddbtest.Config(t)), Stack: name}
	return q, queuetest.Create(t, q.Client, q.Stack, names...)
}

// take takes the n messages of a queue. If an answer is lost, its messages are hidden for a minute.
func take(t *testing.T, q repair.Queues, from repair.Queue, n int) []repair.Message {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		messages, err := q.Take(t.Context(), from, 10)
		switch {
		case err != nil || time.Now().After(deadline):
			t.Fatalf("Take = %d messages, want %d; %v", len(messages), n, err)
		case len(messages) == n:
			return messages
		}
		if err := q.LetGo(t.Context(), from, messages); err != nil {
			t.Fatal(err)
		}
	}
}

const event = `{"specversion":"1.0","id":"e1","source":"orderflow/orders","type":"orderflow.orders.order.created.v1",` +
	`"subject":"o1","datacontenttype":"application/json","data":{}}`

func TestOnlyDeadLetterQueuesAreListed(t *testing.T) {
	q, made := stack(t, "start-fulfilment", "start-fulfilment-dlq", "relays-failures", "warehouse-relays-failures",
		"schedules-dlq", "sandbox-callback-dlq", "warehouse-schedules-dlq", "project-sales-failures")
	made.Send("start-fulfilment-dlq", event)
	all, err := q.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, found := range all {
		got = append(got, found.Name+" "+string(found.Kind)+" "+string(rune('0'+found.Messages)))
	}
	want := []string{"project-sales reader 0", "relays relays 0", "schedules schedules 0",
		"start-fulfilment consumer 1", "warehouse-relays relays 0", "warehouse-schedules schedules 0"}
	if !slices.Equal(got, want) {
		t.Errorf("List = %q, want %q", got, want)
	}
	if _, err := q.Find(t.Context(), "place-order"); !errors.Is(err, repair.ErrNoQueue) {
		t.Errorf("Find of a function without a queue: %v", err)
	}
}

func TestMessageOfARelayNamesItsService(t *testing.T) {
	q, made := stack(t, "relays-failures")
	arn := "arn:aws:dynamodb:us-east-1:000000000000:table/" + q.Stack + "-orders/stream/2026-01-01T00:00:00.000"
	body := `{"DDBStreamBatchInfo":{"shardId":"s1","startSequenceNumber":"1","endSequenceNumber":"2","streamArn":"` +
		arn + `"}}`
	made.Send("relays-failures", body)
	from, err := q.Find(t.Context(), "relays")
	if err != nil {
		t.Fatal(err)
	}
	messages := take(t, q, from, 1)
	want := repair.Part{Service: "orders", Stream: arn, Part: tail.Part{Shard: "s1", From: "1", To: "2"}}
	if m := messages[0]; m.Subject() != "orders" || m.Part == nil || *m.Part != want {
		t.Errorf("its part is %+v of %s, want %+v", m.Part, m.Subject(), want)
	}
}

func TestReleasedMessagesStayAndRedrivenOnesMove(t *testing.T) {
	q, made := stack(t, "notify", "notify-dlq")
	made.Send("notify-dlq", event)
	made.Send("notify-dlq", "poison")
	from, err := q.Find(t.Context(), "notify")
	if err != nil {
		t.Fatal(err)
	}
	messages := take(t, q, from, 2)
	if made.Waiting("notify-dlq") != "0" {
		t.Error("others see messages that were taken")
	}
	if err := q.LetGo(t.Context(), from, messages); err != nil {
		t.Fatal(err)
	}
	if n := made.Waiting("notify-dlq"); n != "2" {
		t.Errorf("others see %s messages that were let go, want 2", n)
	}
	messages = take(t, q, from, 2)
	for _, m := range messages {
		if m.Event == nil {
			if m.Subject() != m.ID || m.Body != "poison" {
				t.Errorf("a message that is not an event: %+v", m)
			}
			err = q.Delete(t.Context(), from, m)
		} else {
			if m.Subject() != "o1" {
				t.Errorf("the event's subject is %s", m.Subject())
			}
			err = q.SendBack(t.Context(), from, m)
		}
		if err != nil {
			t.Error(err)
		}
	}
	if visible, hidden := made.Waiting("notify-dlq"), made.Hidden("notify-dlq"); visible != "0" || hidden != "0" {
		t.Errorf("%s visible and %s hidden messages are left", visible, hidden)
	}
	consumer := q.Stack + "-notify"
	url, err := q.Client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &consumer})
	if err != nil {
		t.Fatal(err)
	}
	if made.Waiting("notify") == "0" { // at least once: if an answer is lost, the client sends again
		t.Error("the consumer gets no message")
	}
	in := &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10}
	out, err := q.Client.ReceiveMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range out.Messages {
		if aws.ToString(m.Body) != event {
			t.Errorf("the consumer gets %s", aws.ToString(m.Body))
		}
	}
}

func audit(t *testing.T) repair.Audit {
	t.Helper()
	a := repair.Audit{
		Client: cloudwatchlogs.NewFromConfig(ddbtest.Config(t)), Group: "/test/" + ids.Random(clock.System{}).New(),
		Clock: clock.At(time.Now().Truncate(time.Millisecond)), IDs: &ids.Sequence{},
	}
	in := &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &a.Group}
	if _, err := a.Client.CreateLogGroup(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = a.Client.DeleteLogGroup(context.Background(),
			&cloudwatchlogs.DeleteLogGroupInput{LogGroupName: &a.Group})
	})
	return a
}

func TestEveryActionIsRecordedWithItsOutcome(t *testing.T) {
	a := audit(t)
	action := func(subject string) repair.Action {
		return repair.Action{Who: "arn:aws:iam::1:user/olga", User: "olga", Why: "INC-1", What: "order retry",
			Subject: subject}
	}
	failure := errors.New("no such execution")
	begun := false
	err := a.Do(t.Context(), action("o1"), func(ctx context.Context) error {
		actions, err := a.Actions(ctx, "o1")
		begun = err == nil && len(actions) == 1 && actions[0].Outcome == repair.Begun
		return nil
	})
	if err != nil || !begun {
		t.Errorf("Do: %v; recorded before it was done: %v", err, begun)
	}
	err = a.Do(t.Context(), action("o2"), func(context.Context) error { return failure })
	if !errors.Is(err, failure) {
		t.Errorf("Do: %v, want the failure", err)
	}
	all, err := a.Actions(t.Context(), "")
	if err != nil || len(all) != 2 || all[0].Outcome != "done" || all[1].Outcome != "failed: no such execution" ||
		all[0].User != "olga" || all[0].Why != "INC-1" {
		t.Errorf("Actions = %+v, %v", all, err)
	}
	if one, err := a.Actions(t.Context(), "o2"); err != nil || len(one) != 1 || one[0].Subject != "o2" {
		t.Errorf("Actions of one order = %+v, %v", one, err)
	}
}

func TestActionThatCannotBeRecordedIsNotDone(t *testing.T) {
	a := audit(t)
	a.Group += "-gone"
	err := a.Do(t.Context(), repair.Action{What: "dlq drop"}, func(context.Context) error {
		t.Error("it was done")
		return nil
	})
	if err == nil {
		t.Error("no error")
	}
}
