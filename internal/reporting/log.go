// Package reporting builds sales reports from a log of all events of the core.
package reporting

import (
	"context"
	"strings"
	"time"
)

// Record is an event in the log.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte
	Headers   map[string]string
	Value     []byte
	Time      time.Time
}

// Partition is a partition of a topic, with the records that it has.
type Partition struct {
	Topic     string
	Partition int32
	First     int64 // the oldest offset kept
	End       int64 // the offset after the last record
}

// Log is the log of all events, from which reports are built. Records with the same key are in the
// same partition.
type Log interface {
	// Partitions returns all partitions of the log's topics, sorted by topic and partition. A topic
	// that does not exist is an error.
	Partitions(ctx context.Context) ([]Partition, error)
	// Read returns at most as many records of a partition as asked for, in the order of their
	// offsets. The first has the offset from, or a later one if that record is no longer kept.
	// There are none if from is the partition's end or after it.
	Read(ctx context.Context, topic string, partition int32, from int64, most int) ([]Record, error)
}

// Message is an event on its way into the log.
type Message struct {
	Topic   string
	Key     []byte
	Headers map[string]string
	Value   []byte
}

// Producer appends to the log.
type Producer interface {
	// Append returns an error for each message, nil if it is in the log and survives the loss of a
	// broker. A message with an error may still be in the log.
	Append(ctx context.Context, messages []Message) []error
}

// TopicOf returns the topic of events of a type: orderflow.<service>.events.
func TopicOf(eventType string) string {
	service, _, _ := strings.Cut(strings.TrimPrefix(eventType, "orderflow."), ".")
	return "orderflow." + service + ".events"
}
