// Package broker holds models of a consumer group of Kafka and of an AMQP broker, with the
// guarantees that their documentation gives and no others. They are data structures without time,
// faults or randomness: the simulation decides what happens when.
package broker

import "errors"

// Place is a partition of a topic.
type Place struct {
	Topic     string
	Partition int32
}

// Group is a consumer group: the holder of each partition, and the offset from which the next
// holder reads.
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

// Commit records the offset that the holder of a partition has reached.
func (g *Group) Commit(p Place, epoch int, next int64) error {
	if g.held[p] != epoch {
		return ErrFenced
	}
	g.committed[p] = next
	return nil
}

// Forget drops how far a partition was read, as Kafka does when its topic is deleted.
func (g *Group) Forget(p Place) { delete(g.committed, p) }

// Committed returns the offset from which the next holder of a partition reads.
func (g *Group) Committed(p Place) int64 { return g.committed[p] }
