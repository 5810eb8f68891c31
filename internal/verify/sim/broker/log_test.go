package broker_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"orderflow/internal/verify/sim/broker"
)

const topic = "orders"

func appended(t *testing.T, l *broker.Log, key, value string) broker.Record {
	t.Helper()
	r, ok := l.Append(broker.Record{Topic: topic, Key: []byte(key), Value: []byte(value)})
	if !ok {
		t.Fatal("the topic is unknown")
	}
	return r
}

func TestRecordsOfAKeyAreInOnePartitionInOrder(t *testing.T) {
	l := broker.NewLog(3, topic)
	used := map[int32]bool{}
	for i := range 60 {
		key := fmt.Sprint("order-", i%20)
		r := appended(t, l, key, fmt.Sprint(i))
		used[r.Partition] = true
		if _, end := l.Bounds(topic, r.Partition); r.Offset != end-1 {
			t.Errorf("offset %d, the end is %d", r.Offset, end)
		}
	}
	if len(used) != 3 {
		t.Errorf("%d partitions are used", len(used))
	}
	place, last := map[string]int32{}, map[string]int{}
	for p := range l.Partitions() {
		records, err := l.Read(topic, p, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range records {
			key := string(r.Key)
			if before, again := place[key]; again && before != p {
				t.Errorf("%s is in partitions %d and %d", key, before, p)
			}
			n := 0
			_, _ = fmt.Sscan(string(r.Value), &n)
			if r.Offset != int64(i) || n < last[key] {
				t.Errorf("offset %d: %s after %d", r.Offset, r.Value, last[key])
			}
			place[key], last[key] = p, n
		}
	}
}

func TestAppendingTwiceIsTwoRecords(t *testing.T) {
	l := broker.NewLog(1, topic)
	first, second := appended(t, l, "k", "v"), appended(t, l, "k", "v")
	if first.Offset != 0 || second.Offset != 1 {
		t.Errorf("offsets %d and %d", first.Offset, second.Offset)
	}
	if _, ok := l.Append(broker.Record{Topic: "unknown"}); ok {
		t.Error("an unknown topic took a record")
	}
}

func TestRetentionRemovesOldestRecordsAndKeepsOffsets(t *testing.T) {
	l := broker.NewLog(1, topic)
	for i := range 5 {
		appended(t, l, "k", fmt.Sprint(i))
	}
	l.Trim(topic, 0, 3)
	l.Trim(topic, 0, 2) // no effect
	if first, end := l.Bounds(topic, 0); first != 3 || end != 5 {
		t.Errorf("from %d to %d", first, end)
	}
	if _, err := l.Read(topic, 0, 2, 1); !errors.Is(err, broker.ErrOutOfRange) {
		t.Errorf("before the first: %v", err)
	}
	if _, err := l.Read(topic, 0, 6, 1); !errors.Is(err, broker.ErrOutOfRange) {
		t.Errorf("after the end: %v", err)
	}
	if r, err := l.Read(topic, 0, 3, 1); err != nil || len(r) != 1 || string(r[0].Value) != "3" {
		t.Errorf("%v, %v", r, err)
	}
	l.Trim(topic, 0, 100)
	if r := appended(t, l, "k", "5"); r.Offset != 5 {
		t.Errorf("the next offset is %d", r.Offset)
	}
}

func TestOldHolderOfAPartitionCannotCommit(t *testing.T) {
	g, p := broker.NewGroup(), broker.Place{Topic: topic, Partition: 1}
	first, from := g.Assign(p)
	if from != 0 || g.Commit(p, first, 7) != nil {
		t.Fatalf("from %d", from)
	}
	second, from := g.Assign(p)
	if from != 7 {
		t.Errorf("the next holder reads from %d", from)
	}
	if err := g.Commit(p, first, 9); !errors.Is(err, broker.ErrFenced) || g.Committed(p) != 7 {
		t.Errorf("the old holder committed: %v, %d", err, g.Committed(p))
	}
	if err := g.Commit(p, second, 8); err != nil || g.Committed(p) != 8 {
		t.Errorf("%v, %d", err, g.Committed(p))
	}
}

func TestTopicsAreSorted(t *testing.T) {
	if got := broker.NewLog(1, "b", "a").Topics(); !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
}
