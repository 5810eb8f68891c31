// Package logtest is the suite that every log of reporting passes: the producer's side and the
// reader's side of the same log.
package logtest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"orderflow/internal/reporting"
)

// Log is both sides of a log.
type Log interface {
	reporting.Log
	reporting.Producer
	// Trim removes the records of a partition before an offset, as retention does.
	Trim(topic string, partition int32, first int64)
}

// Topics of the suite. Each has three partitions.
const (
	orders   = "orderflow.orders.events"
	payments = "orderflow.payments.events"
)

// Run runs the suite. open returns an empty log with topics.
func Run(t *testing.T, open func(t *testing.T, topics ...string) Log) {
	t.Helper()
	for name, rule := range map[string]func(context.Context, *testing.T, Log){
		"what is appended is read, whole and in order": readWhole,
		"a key stays in its partition":                 keepKeys,
		"an unknown topic fails alone":                 failAlone,
		"reading is bounded and starts anywhere":       readAnywhere,
		"there is nothing at the end or after it":      readEnd,
		"records that are gone are skipped":            skipGone,
		"partitions can be read in turns":              takeTurns,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			rule(ctx, t, open(t, orders, payments))
		})
	}
}

func message(topic, key, value string) reporting.Message {
	return reporting.Message{
		Topic: topic, Key: []byte(key), Value: []byte(value),
		Headers: map[string]string{"ce_id": value, "ce_type": "é"},
	}
}

// add appends messages that must all get into the log.
func add(ctx context.Context, t *testing.T, log Log, messages ...reporting.Message) {
	t.Helper()
	errs := log.Append(ctx, messages)
	if len(errs) != len(messages) {
		t.Fatalf("%d errors for %d messages", len(errs), len(messages))
	}
	for i, err := range errs {
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

// all reads the whole log by its partitions.
func all(ctx context.Context, t *testing.T, log Log) (records []reporting.Record) {
	t.Helper()
	for _, p := range partitions(ctx, t, log) {
		for from := p.First; from < p.End; {
			batch := read(ctx, t, log, p, from, 7)
			if len(batch) == 0 {
				t.Fatalf("nothing at %d of %+v", from, p)
			}
			for _, r := range batch {
				if r.Topic != p.Topic || r.Partition != p.Partition || r.Offset != from {
					t.Fatalf("read %s/%d/%d at %d of %+v", r.Topic, r.Partition, r.Offset, from, p)
				}
				from++
			}
			records = append(records, batch...)
		}
	}
	return records
}

func partitions(ctx context.Context, t *testing.T, log Log) []reporting.Partition {
	t.Helper()
	of, err := log.Partitions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return of
}

func read(
	ctx context.Context, t *testing.T, log Log, p reporting.Partition, from int64, most int,
) []reporting.Record {
	t.Helper()
	records, err := log.Read(ctx, p.Topic, p.Partition, from, most)
	if err != nil {
		t.Fatal(err)
	}
	if len(records) > most {
		t.Fatalf("%d records, want at most %d", len(records), most)
	}
	return records
}

func readWhole(ctx context.Context, t *testing.T, log Log) {
	for i, p := range partitions(ctx, t, log) {
		want := reporting.Partition{Topic: orders, Partition: int32(i % 3)}
		if i >= 3 {
			want.Topic = payments
		}
		if p != want || i > 5 {
			t.Errorf("partition %d: %+v, want %+v", i, p, want)
		}
	}
	before := time.Now().Add(-time.Minute)
	m := message(orders, "o-1", `{"n":1}`)
	add(ctx, t, log, m)
	got := all(ctx, t, log)
	if len(got) != 1 {
		t.Fatalf("%d records", len(got))
	}
	r := got[0]
	if string(r.Key) != "o-1" || string(r.Value) != `{"n":1}` || !maps.Equal(r.Headers, m.Headers) {
		t.Errorf("read %q %q %v", r.Key, r.Value, r.Headers)
	}
	if r.Time.Before(before) || r.Time.After(time.Now().Add(time.Minute)) {
		t.Errorf("at %s", r.Time)
	}
}

func keepKeys(ctx context.Context, t *testing.T, log Log) {
	const keys, rounds = 20, 3
	for n := range rounds {
		var batch []reporting.Message
		for k := range keys {
			batch = append(batch, message(orders, fmt.Sprint("key-", k), fmt.Sprint(n)))
		}
		add(ctx, t, log, batch...)
	}
	of, values := map[string]int32{}, map[string]string{}
	used := map[int32]bool{}
	for _, r := range all(ctx, t, log) {
		if p, seen := of[string(r.Key)]; seen && p != r.Partition {
			t.Errorf("%s is in partitions %d and %d", r.Key, p, r.Partition)
		}
		of[string(r.Key)] = r.Partition
		values[string(r.Key)] += string(r.Value)
		used[r.Partition] = true
	}
	for key, v := range values {
		if v != "012" {
			t.Errorf("%s: values %s, want 012", key, v)
		}
	}
	if len(values) != keys || len(used) != 3 {
		t.Errorf("%d keys in %d partitions", len(values), len(used))
	}
}

func failAlone(ctx context.Context, t *testing.T, log Log) {
	errs := log.Append(ctx, []reporting.Message{
		message(orders, "a", "1"), message("orderflow.tea.events", "b", "2"), message(payments, "c", "3"),
	})
	if len(errs) != 3 || errs[0] != nil || errs[1] == nil || errs[2] != nil {
		t.Fatalf("errors %v, want only the second", errs)
	}
	var got []string
	for _, r := range all(ctx, t, log) {
		got = append(got, string(r.Value))
	}
	if strings.Join(got, "") != "13" {
		t.Errorf("the log has %v", got)
	}
	if _, err := log.Read(ctx, "orderflow.tea.events", 0, 0, 1); err == nil {
		t.Error("a topic that does not exist can be read")
	}
}

// fill puts n records into one partition, and returns it.
func fill(ctx context.Context, t *testing.T, log Log, topic, key string, n int) reporting.Partition {
	t.Helper()
	var batch []reporting.Message
	for i := range n {
		batch = append(batch, message(topic, key, fmt.Sprint(i)))
	}
	add(ctx, t, log, batch...)
	for _, p := range partitions(ctx, t, log) {
		if p.Topic == topic && p.End == int64(n) {
			return p
		}
	}
	t.Fatalf("no partition of %s has %d records", topic, n)
	return reporting.Partition{}
}

// want fails unless records are those from first to last, whose values are their offsets.
func want(t *testing.T, records []reporting.Record, first, last int) {
	t.Helper()
	if len(records) != last-first+1 {
		t.Fatalf("%d records, want %d to %d", len(records), first, last)
	}
	for i, r := range records {
		if r.Offset != int64(first+i) || string(r.Value) != fmt.Sprint(first+i) {
			t.Errorf("record %d: %s at %d, want %d", i, r.Value, r.Offset, first+i)
		}
	}
}

func readAnywhere(ctx context.Context, t *testing.T, log Log) {
	p := fill(ctx, t, log, orders, "o", 10)
	want(t, read(ctx, t, log, p, 0, 3), 0, 2)
	want(t, read(ctx, t, log, p, 3, 3), 3, 5)
	want(t, read(ctx, t, log, p, 2, 2), 2, 3) // back again
	want(t, read(ctx, t, log, p, 9, 5), 9, 9)
}

func readEnd(ctx context.Context, t *testing.T, log Log) {
	p := fill(ctx, t, log, orders, "o", 2)
	for _, from := range []int64{2, 3, 1000} {
		if got := read(ctx, t, log, p, from, 5); len(got) != 0 {
			t.Errorf("%d records from %d on", len(got), from)
		}
	}
	want(t, read(ctx, t, log, p, 0, 5), 0, 1)
}

func skipGone(ctx context.Context, t *testing.T, log Log) {
	p := fill(ctx, t, log, orders, "o", 10)
	log.Trim(orders, p.Partition, 4)
	for _, now := range partitions(ctx, t, log) {
		if now.Topic == orders && now.Partition == p.Partition && (now.First != 4 || now.End != 10) {
			t.Errorf("partition %+v, want 4 to 10", now)
		}
	}
	want(t, read(ctx, t, log, p, 0, 3), 4, 6)
	want(t, read(ctx, t, log, p, 5, 3), 5, 7)
}

func takeTurns(ctx context.Context, t *testing.T, log Log) {
	a, b := fill(ctx, t, log, orders, "o", 9), fill(ctx, t, log, payments, "o", 9)
	for from := 0; from < 9; from += 3 {
		want(t, read(ctx, t, log, a, int64(from), 3), from, from+2)
		want(t, read(ctx, t, log, b, int64(from), 3), from, from+2)
	}
}
