package eventsource

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchOf returns records of one partition with these values, from offset 10 on.
func batchOf(values ...string) []*kgo.Record {
	var all []*kgo.Record
	for i, v := range values {
		all = append(all, &kgo.Record{Topic: "Topic", Offset: int64(10 + i), Value: []byte(v), Timestamp: time.Now()})
	}
	return all
}

// run delivers a batch and returns the values in the order in which they were settled.
func run(t *testing.T, d *delivery, batch []*kgo.Record) string {
	t.Helper()
	var settled []string
	err := d.deliver(t.Context(), batch, func(records []*kgo.Record) {
		for _, r := range records {
			settled = append(settled, string(r.Value))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(settled, " ")
}

// poisoned fails for batches with the value "poison".
func poisoned(values []string, _ events.KafkaEvent) (outcome, error) {
	if slices.Contains(values, "poison") {
		return unhandled, nil
	}
	return outcome{}, nil
}

func TestAFailedBatchIsRepeatedAndThenGivenUp(t *testing.T) {
	aws := &fake{function: poisoned}
	settled := run(t, newDelivery(Mapping{Retries: 2}, aws), batchOf("a", "poison"))
	if got := aws.invocations(); got != "a poison, a poison, a poison" || settled != "a poison" {
		t.Errorf("invoked with %q, settled %q", got, settled)
	}
}

func TestBisectIsolatesThePoison(t *testing.T) {
	aws := &fake{function: poisoned}
	m := Mapping{Retries: 1, Bisect: true, Failed: "arn:aws:sqs:r:a:q"}
	settled := run(t, newDelivery(m, aws), batchOf("a", "b", "poison", "c"))
	want := "a b poison c, a b, poison c, poison, poison, c" // halving is not an attempt
	if got := aws.invocations(); got != want || settled != "a b poison c" {
		t.Errorf("invoked with %q, settled %q", got, settled)
	}
	if len(aws.sent) != 1 || !strings.Contains(aws.sent[0], `"firstRecordOffset":"12","lastRecordOffset":"12"`) {
		t.Errorf("sent %v", aws.sent)
	}
}

func TestOnlyReportedRecordsAreRepeated(t *testing.T) {
	first := true
	aws := &fake{function: func([]string, events.KafkaEvent) (outcome, error) {
		if !first {
			return outcome{answer: []byte("null")}, nil
		}
		first = false
		return outcome{answer: []byte(`{"batchItemFailures":[
			{"itemIdentifier":{"topic-partition":"Topic-0","offset":11}},
			{"itemIdentifier":{"partition":"Topic-0","offset":13}}]}`)}, nil
	}}
	settled := run(t, newDelivery(Mapping{Retries: -1, Partial: true}, aws), batchOf("a", "b", "c", "d"))
	if got := aws.invocations(); got != "a b c d, b d" || settled != "a c b d" {
		t.Errorf("invoked with %q, settled %q", got, settled)
	}
}

func TestAnAnswerThatCannotBeUnderstoodFailsTheBatch(t *testing.T) {
	for answer, repeated := range map[string]bool{
		``: true, `nonsense`: true, `{}`: false, `null`: false, `{"batchItemFailures":[]}`: false,
		`{"batchItemFailures":[{"itemIdentifier":""}]}`:                                              true,
		`{"batchItemFailures":[{"itemIdentifier":{"topic-partition":"Topic-1","offset":10}}]}`:       true,
		`{"batchItemFailures":[{"itemIdentifier":{"topic-partition":"Topic-0","offset":99}}]}`:       true,
		`{"batchItemFailures":[{"itemIdentifier":{"topic-partition":"Topic-0"}}]}`:                   true,
		`{"batchItemFailures":[{"itemIdentifier":{"topic-partition":"Topic-0","offset":"eleven"}}]}`: true,
	} {
		aws := &fake{function: func([]string, events.KafkaEvent) (outcome, error) {
			return outcome{answer: []byte(answer)}, nil
		}}
		run(t, newDelivery(Mapping{Retries: 1, Partial: true}, aws), batchOf("a", "b"))
		if got := aws.invocations() != "a b"; got != repeated {
			t.Errorf("%s: invoked with %s", answer, aws.invocations())
		}
	}
}

func TestACallThatDoesNotReachTheFunctionIsNotAnAttempt(t *testing.T) {
	calls := 0
	aws := &fake{function: func([]string, events.KafkaEvent) (outcome, error) {
		switch calls++; calls {
		case 1, 2, 3, 5, 6:
			return outcome{}, errThrottled
		case 4:
			return unhandled, nil
		}
		return outcome{}, nil
	}}
	d := newDelivery(Mapping{Retries: 1}, aws)
	settled := run(t, d, batchOf("a"))
	if state := d.status.state; settled != "a" || calls != 7 || state.Discarded != 0 || state.Records != 1 {
		t.Errorf("settled %q after %d calls, %+v", settled, calls, state)
	}
}

func TestOldRecordsAreGivenUpWithoutInvocation(t *testing.T) {
	aws := &fake{}
	batch := batchOf("old", "new")
	batch[0].Timestamp = time.Now().Add(-2 * time.Minute)
	d := newDelivery(Mapping{Retries: -1, MaxAge: time.Minute, Failed: "arn:aws:sqs:r:a:q"}, aws)
	if settled := run(t, d, batch); settled != "old new" || aws.invocations() != "new" {
		t.Errorf("settled %q, invoked with %q", settled, aws.invocations())
	}
	if len(aws.sent) != 1 || !strings.Contains(aws.sent[0], `"responseContext":null`) {
		t.Errorf("sent %v", aws.sent)
	}
}

func TestEventsAreSmallEnoughForLambda(t *testing.T) {
	third := strings.Repeat("x", limit/4) // in base64 a third of the limit
	aws := &fake{}
	d := newDelivery(Mapping{Retries: -1, Failed: "arn:aws:sqs:r:a:q"}, aws)
	run(t, d, batchOf(third, third, third, strings.Repeat("y", limit), "z"))
	var sizes []int
	for _, values := range aws.calls {
		sizes = append(sizes, len(values))
	}
	if !slices.Equal(sizes, []int{2, 1, 1}) || d.status.state.Discarded != 1 {
		t.Errorf("events with %v records, %d given up", sizes, d.status.state.Discarded)
	}
	if len(aws.sent) != 1 || !strings.Contains(aws.sent[0], tooLarge) {
		t.Errorf("sent %v", aws.sent)
	}
}

func TestTheDestinationGetsAWSMessageUntilItHasIt(t *testing.T) {
	first, err := time.Parse(time.RFC3339Nano, "2019-11-14T00:38:04.835Z")
	if err != nil {
		t.Fatal(err)
	}
	batch := []*kgo.Record{
		{Topic: "Topic", Offset: 4960118965842235937, Timestamp: first, Value: []byte("a")},
		{Topic: "Topic", Offset: 4960118965842235939, Timestamp: first.Add(745 * time.Millisecond), Value: []byte("b")}}
	aws := &fake{refuses: 3, function: func([]string, events.KafkaEvent) (outcome, error) { return unhandled, nil }}
	d := newDelivery(Mapping{Function: "arn:aws:lambda:us-east-1:123456789012:function:myfunction", Source: MSK,
		Failed: "arn:aws:sqs:r:a:q", SourceARN: "arn:aws:kafka:us-east-1:123456789012:cluster/vpc-2priv-2pub/" +
			"751d2973-a626-431c-9d4e-d7975eb44dd7-2"}, aws)
	d.bootstrap = []string{"..."}
	d.now = func() time.Time { return time.Date(2019, 11, 14, 0, 38, 6, 21e6, time.UTC) }
	if settled := run(t, d, batch); settled != "a b" || len(aws.sent) != 1 {
		t.Fatalf("settled %q, sent %d", settled, len(aws.sent))
	}
	sameJSON(t, "failure.json", []byte(aws.sent[0]))
}

func TestFilteredRecordsAreSettledWithoutTheFunction(t *testing.T) {
	aws := &fake{}
	m := Mapping{Retries: -1, Filters: []map[string]any{{"value": []any{"a"}}, {"value": []any{"c"}}}}
	d := newDelivery(m, aws)
	if settled := run(t, d, batchOf("a", "b", "c")); settled != "b a c" || aws.invocations() != "a c" {
		t.Errorf("settled %q, invoked with %q", settled, aws.invocations())
	}
	if run(t, d, batchOf("b")); aws.invocations() != "a c" {
		t.Errorf("invoked with %q", aws.invocations())
	}
}

func TestTheLogHasNoPersonalData(t *testing.T) {
	var log bytes.Buffer
	d := newDelivery(Mapping{Retries: 1}, &fake{function: poisoned})
	d.log = slog.New(slog.NewTextHandler(&log, nil))
	run(t, d, batchOf("poison"))
	if text := log.String(); !strings.Contains(text, "errorString") || strings.Contains(text, "alice") {
		t.Error(text)
	}
}

func TestTheOffsetStopsAtTheFirstGap(t *testing.T) {
	batch := batchOf("a", "b", "c", "d")
	open := &batchOffsets{batch: batch, settled: map[int64]bool{}}
	for _, step := range []struct {
		settle []*kgo.Record
		last   *kgo.Record
	}{{batch[1:2], nil}, {batch[:1], batch[1]}, {batch[3:], nil}, {batch[2:3], batch[3]}} {
		if got := open.settle(step.settle); got != step.last {
			t.Errorf("settled up to %v", got)
		}
	}
}

var errBroken = errors.New("broken pipe")
