// Package memory keeps the strangler's decisions in memory.
package memory

import (
	"context"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

// Placements implements strangler.Placements.
type Placements struct {
	*memdb.Log
	decisions *memdb.Items[strangler.Decision]
}

// New returns an empty store.
func New(c clock.Clock) *Placements {
	log := memdb.NewLog(c)
	over := func(d strangler.Decision, before time.Time) bool { return d.At.Before(before) }
	return &Placements{log, memdb.NewItems[strangler.Decision](log, "placement", nil).Expiring(over)}
}

// Decide records a decision unless there is one.
func (p *Placements) Decide(
	_ context.Context, customer, requestID string, d strangler.Decision,
) (decided strangler.Decision, err error) {
	err = p.Commit(commit.With{}, func() error {
		key := customer + " " + requestID // neither has a space
		stored, ok := p.decisions.Find(key)
		if decided = stored; !ok {
			decided = d
			p.decisions.Save(key, d)
		}
		return nil
	})
	return decided, err
}
