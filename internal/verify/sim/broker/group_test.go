package broker_test

import (
	"errors"
	"testing"

	"orderflow/internal/verify/sim/broker"
)

func TestOldHolderOfAPartitionCannotCommit(t *testing.T) {
	g, p := broker.NewGroup(), broker.Place{Topic: "orders", Partition: 1}
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
