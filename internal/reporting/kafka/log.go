package kafka

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/reporting"
)

const (
	// listTimeout bounds Partitions, readTimeout a Read that finds records.
	listTimeout = 10 * time.Second
	readTimeout = 10 * time.Second
	// emptyTimeout is how long a Read waits for records before it checks whether there are any.
	emptyTimeout = time.Second
)

// Log reads the log. It belongs to no consumer group: its callers keep their offsets.
type Log struct {
	connection
	topics  []string
	current position
}

// position is the client's next position: it fetches one partition in advance.
type position struct {
	client    *kgo.Client
	topic     string
	partition int32
	offset    int64
}

// NewLog returns a log over topics. It connects at the first call. It is not safe for concurrent
// use.
func NewLog(c Config, topics ...string) *Log {
	return &Log{topics: topics, connection: connection{Config: c, options: []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{}), // of its own choice, not of a group's
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),        // if the records are no longer kept
		kgo.FetchMaxWait(emptyTimeout / 2), kgo.FetchMaxPartitionBytes(1 << 20),
	}}}
}

// Partitions asks for the bounds of all partitions.
func (l *Log) Partitions(ctx context.Context) ([]reporting.Partition, error) {
	ctx, cancel := within(ctx, listTimeout)
	defer cancel()
	client, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	defer l.touch()
	return partitions(ctx, client, l.topics...)
}

func partitions(ctx context.Context, client *kgo.Client, topics ...string) ([]reporting.Partition, error) {
	admin := kadm.NewClient(client)
	first, err := admin.ListStartOffsets(ctx, topics...)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, classify(err)
	}
	end, err := admin.ListEndOffsets(ctx, topics...)
	if err == nil {
		err = end.Error()
	}
	if err != nil {
		return nil, classify(err)
	}
	var all []reporting.Partition
	for _, topic := range slices.Sorted(slices.Values(topics)) {
		for n := range int32(len(end[topic])) { //nolint:gosec // G115: fits
			all = append(all, reporting.Partition{
				Topic: topic, Partition: n, First: first[topic][n].Offset, End: end[topic][n].Offset,
			})
		}
	}
	return all, nil
}

// Read reads a partition. Reading on from the last record is cheap: the client fetches in advance.
func (l *Log) Read(
	ctx context.Context, topic string, partition int32, from int64, most int,
) ([]reporting.Record, error) {
	ctx, cancel := within(ctx, readTimeout)
	defer cancel()
	client, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	defer l.touch()
	l.seek(position{client, topic, partition, from})
	for {
		records, err := l.poll(ctx, from, most)
		if err != nil || len(records) > 0 {
			return records, err
		}
		all, err := partitions(ctx, client, topic)
		if err != nil {
			return nil, err
		}
		if int(partition) >= len(all) {
			return nil, errRefused.Detailf("%s has no partition %d", topic, partition)
		}
		if p := all[partition]; from >= p.End || p.First == p.End { // also if retention removed all records
			return nil, nil
		}
	}
}

// seek makes the client fetch from a position, unless it already does.
func (l *Log) seek(to position) {
	if l.current == to {
		return
	}
	if l.current.client == to.client && to.client != nil {
		to.client.RemoveConsumePartitions(map[string][]int32{l.current.topic: {l.current.partition}})
	}
	to.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{
		to.topic: {to.partition: kgo.NewOffset().At(to.offset)},
	})
	l.current = to
}

// poll returns what is fetched within emptyTimeout.
func (l *Log) poll(ctx context.Context, from int64, most int) ([]reporting.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, emptyTimeout)
	defer cancel()
	fetched := l.current.client.PollRecords(ctx, most)
	for _, e := range fetched.Errors() {
		if ctx.Err() == nil || e.Topic != "" {
			l.forget()
			return nil, classify(e.Err)
		}
	}
	var records []reporting.Record
	fetched.EachRecord(func(r *kgo.Record) {
		l.current.offset = r.Offset + 1
		if r.Offset >= from { // after the end, Kafka starts over with the oldest record
			records = append(records, record(r))
		}
	})
	return records, nil
}

// forget makes the next Read start over.
func (l *Log) forget() {
	l.current.client.RemoveConsumePartitions(map[string][]int32{l.current.topic: {l.current.partition}})
	l.current = position{}
}

func record(r *kgo.Record) reporting.Record {
	headers := make(map[string]string, len(r.Headers))
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	return reporting.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Headers: headers, Value: r.Value,
		Time: r.Timestamp,
	}
}
