// Package broker holds models of Kafka and of an AMQP broker, with the guarantees that their
// documentation gives and no others. They are data structures without time, faults or randomness:
// the simulation decides what happens when.
package broker

import (
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"time"
)

// Record is a record of a log.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   map[string]string
	Time      time.Time
}

// Log is Kafka's log: each topic has partitions, and each partition is a sequence of records.
// Records with the same key are in the same partition, in the order of appending. A record that is
// appended twice is there twice.
type Log struct {
	partitions int32
	topics     map[string][]*partition
}

type partition struct {
	first   int64 // the oldest offset kept
	records []Record
}

func (p *partition) end() int64 { return p.first + int64(len(p.records)) }

// ErrOutOfRange means that the offset is older than the retention, or after the end.
var ErrOutOfRange = errors.New("broker: offset out of range")

// NewLog returns a log with topics of a number of partitions.
func NewLog(partitions int32, topics ...string) *Log {
	l := &Log{partitions: partitions, topics: map[string][]*partition{}}
	for _, t := range topics {
		for range partitions {
			l.topics[t] = append(l.topics[t], &partition{})
		}
	}
	return l
}

// Topics returns the topics' names, sorted.
func (l *Log) Topics() []string { return slices.Sorted(maps.Keys(l.topics)) }

// Partitions returns the number of partitions of each topic.
func (l *Log) Partitions() int32 { return l.partitions }

// Append appends a record to a topic and returns it with its place. It returns false if the topic
// does not exist.
func (l *Log) Append(r Record) (Record, bool) {
	if l.topics[r.Topic] == nil {
		return r, false
	}
	h := fnv.New32a()
	_, _ = h.Write(r.Key)
	r.Partition = int32(h.Sum32() % uint32(l.partitions)) //nolint:gosec // fits
	p := l.topics[r.Topic][r.Partition]
	r.Offset = p.end()
	p.records = append(p.records, r)
	return r, true
}

// Bounds returns the oldest offset kept and the offset after the last record.
func (l *Log) Bounds(topic string, partition int32) (first, end int64) {
	p := l.topics[topic][partition]
	return p.first, p.end()
}

// Read returns up to most records from an offset.
func (l *Log) Read(topic string, partition int32, from int64, most int) ([]Record, error) {
	p := l.topics[topic][partition]
	if from < p.first || from > p.end() {
		return nil, ErrOutOfRange
	}
	rest := p.records[from-p.first:]
	return slices.Clone(rest[:min(most, len(rest))]), nil
}

// Trim removes the records before an offset, as retention does.
func (l *Log) Trim(topic string, partition int32, before int64) {
	p := l.topics[topic][partition]
	if n := min(before, p.end()) - p.first; n > 0 {
		p.first += n
		p.records = p.records[n:]
	}
}

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// Group is a consumer group: who holds a partition, and from which offset its next holder reads.
type Group struct {
	held      map[Place]int // how often a partition was assigned
	committed map[Place]int64
}

// NewGroup returns a group that has read nothing.
func NewGroup() *Group { return &Group{held: map[Place]int{}, committed: map[Place]int64{}} }

// ErrFenced means that another consumer holds the partition by now.
var ErrFenced = errors.New("broker: the partition is assigned to another consumer")

// Assign gives a partition to a consumer. It returns the consumer's epoch and where it reads from.
// The previous holder learns of it only when it commits.
func (g *Group) Assign(p Place) (epoch int, from int64) {
	g.held[p]++
	return g.held[p], g.committed[p]
}

// Commit records how far the holder of a partition has come.
func (g *Group) Commit(p Place, epoch int, next int64) error {
	if g.held[p] != epoch {
		return ErrFenced
	}
	g.committed[p] = next
	return nil
}

// Committed returns the offset from which the next holder of a partition reads.
func (g *Group) Committed(p Place) int64 { return g.committed[p] }
