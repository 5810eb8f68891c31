// Package memory is reporting's log and store in memory, for tests.
package memory

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
)

// partitions of each topic.
const partitions = 3

// Log is a log in memory, for tests. It is safe for concurrent use.
type Log struct {
	clock  clock.Clock
	mu     sync.Mutex
	topics map[string][]*partition
}

type partition struct {
	first   int64
	records []reporting.Record
}

// NewLog returns an empty log with topics.
func NewLog(c clock.Clock, topics ...string) *Log {
	l := &Log{clock: c, topics: map[string][]*partition{}}
	for _, topic := range topics {
		l.Remake(topic)
	}
	return l
}

// Remake deletes a topic, if there is one, and creates it again.
func (l *Log) Remake(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.topics[topic] = nil
	for range partitions {
		l.topics[topic] = append(l.topics[topic], &partition{})
	}
}

// Append adds messages to their topics.
func (l *Log) Append(_ context.Context, messages []reporting.Message) []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := make([]error, len(messages))
	for i, m := range messages {
		all := l.topics[m.Topic]
		if all == nil {
			errs[i] = unknown(m.Topic)
			continue
		}
		h := fnv.New32a()
		_, _ = h.Write(m.Key) // never fails
		n := int32(h.Sum32() % partitions)
		all[n].records = append(all[n].records, reporting.Record{
			Topic: m.Topic, Partition: n, Offset: all[n].end(), Key: m.Key, Headers: m.Headers, Value: m.Value,
			Time: l.clock.Now().Truncate(time.Millisecond), // as in Kafka
		})
	}
	return errs
}

func unknown(topic string) error {
	return fault.New(fault.Transient, "TopicUnknown", "the log has no topic %s", topic)
}

func (p *partition) end() int64 { return p.first + int64(len(p.records)) }

// Partitions returns all partitions.
func (l *Log) Partitions(context.Context) ([]reporting.Partition, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []reporting.Partition
	for topic, of := range l.topics {
		for n, p := range of {
			all = append(all, reporting.Partition{Topic: topic, Partition: int32(n), First: p.first, End: p.end()})
		}
	}
	slices.SortFunc(all, func(a, b reporting.Partition) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return int(a.Partition - b.Partition)
	})
	return all, nil
}

// Read returns records from an offset.
func (l *Log) Read(
	_ context.Context, topic string, n int32, from int64, most int,
) ([]reporting.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if of := l.topics[topic]; int(n) >= len(of) {
		return nil, fmt.Errorf("partition %d: %w", n, unknown(topic))
	}
	p := l.topics[topic][n]
	skip := min(max(0, from-p.first), int64(len(p.records)))
	rest := p.records[skip:]
	return slices.Clone(rest[:min(most, len(rest))]), nil
}

// Trim removes the records of a partition before an offset, as retention does.
func (l *Log) Trim(topic string, n int32, first int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.topics[topic][n]
	if gone := min(first, p.end()) - p.first; gone > 0 {
		p.first, p.records = p.first+gone, slices.Clone(p.records[gone:])
	}
}
