package eventsource

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/platform/clock"
)

// delivery hands batches of one mapping to its function.
type delivery struct {
	mapping   Mapping
	bootstrap []string
	aws       backend
	status    *status
	log       *slog.Logger
	now       func() time.Time
	pause     func(failures int) time.Duration
}

// item is a record of Kafka in the form in which events have it.
type item struct {
	record  *kgo.Record
	encoded json.RawMessage
}

// The reasons for giving up on records. AWS does not document the one for the age.
const (
	exhausted = "RetryAttemptsExhausted"
	tooLarge  = "MaximumPayloadSizeExceeded"
	tooOld    = "RecordAgeExceeded"
)

// deliver delivers a batch of one partition. settled is called, in any order, with the records that
// need no more attempts: the function has succeeded or they were given up on. An error means that
// ctx ended before all were settled.
func (d *delivery) deliver(ctx context.Context, batch []*kgo.Record, settled func([]*kgo.Record)) error {
	var items []item
	var dropped []*kgo.Record
	for _, r := range batch {
		if !d.passes("value", r.Value) {
			dropped = append(dropped, r)
			continue
		}
		encoded, err := encodeKafka(r)
		if err != nil {
			return err
		}
		items = append(items, item{r, encoded})
	}
	d.status.update(func(s *State) { s.Dropped += len(dropped) })
	if len(dropped) > 0 {
		settled(dropped)
	}
	t := attempts{delivery: d, settled: settled}
	for len(items) > 0 {
		n := fitting(items)
		var err error
		if n == 0 {
			n = 1
			err = t.giveUp(ctx, items[:1], tooLarge, outcome{}, 0)
		} else {
			err = t.run(ctx, items[:n], 0)
		}
		if err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// passes reports whether a record passes the mapping's filters.
func (d *delivery) passes(field string, body []byte) bool {
	for _, pattern := range d.mapping.Filters {
		if matches(pattern[field], body) {
			return true
		}
	}
	return len(d.mapping.Filters) == 0
}

// envelope is an upper bound for the size of an event without its records.
const envelope = 4096

// fitting returns how many of the items fit into one event.
func fitting(items []item) int {
	size := envelope
	for i, one := range items {
		if size += len(one.encoded) + 1; size > limit {
			return i
		}
	}
	return len(items)
}

// attempts delivers one batch.
type attempts struct {
	*delivery
	settled func([]*kgo.Record)
}

// run delivers items until all are settled. failures is how often they have failed.
func (t attempts) run(ctx context.Context, items []item, failures int) error {
	for unavailable := 0; ; {
		var err error
		if items, err = t.expire(ctx, items, failures); err != nil || len(items) == 0 {
			return err
		}
		event, err := t.mapping.kafkaPayload(t.bootstrap, items)
		if err != nil {
			return err
		}
		result, err := t.aws.invoke(ctx, t.mapping.Function, event)
		if err != nil { // before the invocation, as when throttled: no attempt
			if ctx.Err() != nil {
				return ctx.Err()
			}
			t.status.failed(err)
			t.log.Warn("the function cannot be invoked", "error", err)
			if err := clock.Sleep(ctx, t.pause(unavailable)); err != nil {
				return err
			}
			unavailable++
			continue
		}
		unavailable = 0
		failed := t.failed(result, items)
		if good := without(items, failed); len(good) > 0 {
			t.succeeded(len(good))
			t.settled(records(good))
		}
		if len(failed) == 0 {
			return nil
		}
		t.status.update(func(s *State) { s.Failures++; s.LastError = "the function failed: " + kindOf(result) })
		t.log.Warn("the function failed", "partition", partition(items[0].record), "records", len(failed),
			"first", failed[0].record.Offset, "failures", failures+1, "error", kindOf(result))
		if t.mapping.Bisect && len(failed) > 1 { // which is not counted as an attempt
			if err := clock.Sleep(ctx, t.pause(failures)); err != nil {
				return err
			}
			half := len(failed) / 2
			if err := t.run(ctx, failed[:half], failures); err != nil {
				return err
			}
			return t.run(ctx, failed[half:], failures)
		}
		if failures++; t.mapping.Retries >= 0 && failures > t.mapping.Retries {
			return t.giveUp(ctx, failed, exhausted, result, failures)
		}
		if err := clock.Sleep(ctx, t.pause(failures)); err != nil {
			return err
		}
		items = failed
	}
}

func (t attempts) succeeded(n int) {
	t.status.update(func(s *State) {
		s.Polling, s.Batches, s.Records, s.LastError = true, s.Batches+1, s.Records+n, ""
	})
}

// expire gives up on the records that are too old and returns the others.
func (t attempts) expire(ctx context.Context, items []item, failures int) ([]item, error) {
	var old []item
	for _, i := range items {
		if t.mapping.MaxAge > 0 && t.now().Sub(i.record.Timestamp) > t.mapping.MaxAge {
			old = append(old, i)
		}
	}
	if len(old) == 0 {
		return items, nil
	}
	return without(items, old), t.giveUp(ctx, old, tooOld, outcome{}, failures)
}

// failed returns the items that the function has not processed.
func (t attempts) failed(result outcome, items []item) []item {
	if result.failed != "" {
		return items
	}
	if !t.mapping.Partial {
		return nil
	}
	// AWS's page has had both names of the partition.
	var answer struct {
		Failures []struct {
			Item struct {
				TopicPartition string `json:"topic-partition"`
				Partition      string `json:"partition"`
				Offset         *int64 `json:"offset"`
			} `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if json.Unmarshal(result.answer, &answer) != nil {
		return items
	}
	reported := map[int64]bool{}
	name := partition(items[0].record)
	for _, f := range answer.Failures {
		if f.Item.Offset == nil || f.Item.TopicPartition+f.Item.Partition != name {
			return items // an identifier that the event did not have fails the batch
		}
		reported[*f.Item.Offset] = true
	}
	var failed []item
	for _, i := range items {
		if reported[i.record.Offset] {
			failed = append(failed, i)
		}
	}
	if len(failed) < len(reported) {
		return items
	}
	return failed
}

func kindOf(result outcome) string {
	if result.failed == "" {
		return "it reported failures"
	}
	var detail struct{ ErrorType string }
	_ = json.Unmarshal(result.answer, &detail) // its message may hold personal data
	return result.failed + " " + detail.ErrorType
}

// failure is the message to a queue or topic about records that were given up on.
type failure struct {
	RequestContext struct {
		RequestID              string `json:"requestId"`
		FunctionARN            string `json:"functionArn"`
		Condition              string `json:"condition"`
		ApproximateInvokeCount int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	ResponseContext *responseContext `json:"responseContext"` // null if the function was not invoked
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	KafkaBatchInfo  kafkaBatchInfo   `json:"KafkaBatchInfo"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

type kafkaBatchInfo struct {
	BatchSize        int                    `json:"batchSize"`
	EventSourceARN   string                 `json:"eventSourceArn,omitempty"`
	BootstrapServers string                 `json:"bootstrapServers"`
	PayloadSize      int                    `json:"payloadSize"`
	RecordsInfo      map[string]recordsInfo `json:"recordsInfo"`
}

type recordsInfo struct {
	FirstOffset    string `json:"firstRecordOffset"`
	LastOffset     string `json:"lastRecordOffset"`
	FirstTimestamp string `json:"firstRecordTimestamp"`
	LastTimestamp  string `json:"lastRecordTimestamp"`
}

const milliseconds = "2006-01-02T15:04:05.000Z"

// giveUp sends the records' positions to the mapping's destination, if any, and settles them.
func (t attempts) giveUp(ctx context.Context, items []item, condition string, last outcome, invocations int) error {
	if t.mapping.Failed != "" {
		message, err := t.failure(items, condition, last, invocations)
		if err != nil {
			return err
		}
		for failures := 0; ; failures++ { // without it the records would be lost
			if err = t.aws.send(ctx, t.mapping.Failed, message); err == nil {
				break
			}
			t.log.Warn("the destination cannot be reached", "error", err)
			if err := clock.Sleep(ctx, t.pause(failures)); err != nil {
				return err
			}
		}
	}
	t.log.Error("records are given up", "condition", condition, "partition", partition(items[0].record),
		"records", len(items), "first", items[0].record.Offset)
	t.status.update(func(s *State) { s.Discarded += len(items) })
	t.settled(records(items))
	return nil
}

func (t attempts) failure(items []item, condition string, last outcome, invocations int) ([]byte, error) {
	event, err := t.mapping.kafkaPayload(t.bootstrap, items)
	if err != nil {
		return nil, err
	}
	first, end := items[0].record, items[len(items)-1].record
	f := failure{Version: "1.0", Timestamp: t.now().UTC().Format(milliseconds)}
	f.RequestContext.RequestID, f.RequestContext.FunctionARN = last.requestID, functionARN(t.mapping.Function)
	f.RequestContext.Condition, f.RequestContext.ApproximateInvokeCount = condition, invocations
	if condition == exhausted {
		f.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: last.version, FunctionError: last.failed}
	}
	f.KafkaBatchInfo = kafkaBatchInfo{BatchSize: len(items), EventSourceARN: t.mapping.SourceARN,
		BootstrapServers: joined(t.bootstrap), PayloadSize: len(event),
		RecordsInfo: map[string]recordsInfo{partition(first): {
			FirstOffset: strconv.FormatInt(first.Offset, 10), LastOffset: strconv.FormatInt(end.Offset, 10),
			FirstTimestamp: first.Timestamp.UTC().Format(milliseconds),
			LastTimestamp:  end.Timestamp.UTC().Format(milliseconds),
		}}}
	return json.Marshal(f)
}

func records(items []item) []*kgo.Record {
	all := make([]*kgo.Record, len(items))
	for i := range items {
		all[i] = items[i].record
	}
	return all
}

// without returns the items that are not among others.
func without(items, others []item) []item {
	gone := map[int64]bool{}
	for _, o := range others {
		gone[o.record.Offset] = true
	}
	var rest []item
	for _, i := range items {
		if !gone[i.record.Offset] {
			rest = append(rest, i)
		}
	}
	return rest
}
