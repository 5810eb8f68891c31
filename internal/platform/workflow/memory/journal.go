// Package memory is a workflow.Journal in memory. It ends with the process.
package memory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/workflow"
)

// Journal implements workflow.Journal. Use New.
type Journal struct {
	mu    sync.Mutex
	keep  int
	young time.Duration
	all   map[string]workflow.Execution
	open  map[string]bool
	ended []string // in the order of their end
	lease workflow.Lease
}

// New returns a journal that keeps only the latest finished executions, so that its size is
// bounded.
func New(keep int) *Journal { return Lasting(keep, 0) }

// Lasting returns a journal that also keeps executions that ended less than young before the latest
// one.
func Lasting(keep int, young time.Duration) *Journal {
	return &Journal{keep: keep, young: young, all: map[string]workflow.Execution{}, open: map[string]bool{}}
}

// Execution returns an execution.
func (j *Journal) Execution(_ context.Context, machine, name string) (workflow.Execution, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	x, ok := j.all[workflow.ID(machine, name)]
	if !ok {
		return workflow.Execution{}, workflow.ErrNone
	}
	return x, nil
}

// Save writes the next version of an execution.
func (j *Journal) Save(_ context.Context, x workflow.Execution) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	id, version := x.Identity()
	if j.all[id].Version != version-1 {
		return fault.ErrLostRace
	}
	j.all[id] = x
	if x.Open() {
		j.open[id] = true
		return nil
	}
	delete(j.open, id)
	j.ended = append(j.ended, id)
	for len(j.ended) > j.keep && x.Ended.Sub(j.all[j.ended[0]].Ended) >= j.young {
		delete(j.all, j.ended[0])
		j.ended = j.ended[1:]
	}
	return nil
}

// Open visits the executions that are open and started before a time.
func (j *Journal) Open(_ context.Context, before time.Time, visit func(machine, name string)) error {
	j.mu.Lock()
	var found []workflow.Execution
	for _, id := range slices.Sorted(maps.Keys(j.open)) {
		if x := j.all[id]; x.Started.Before(before) {
			found = append(found, x)
		}
	}
	j.mu.Unlock()
	for _, x := range found {
		visit(x.Machine, x.Name)
	}
	return nil
}

// Lease returns the lease.
func (j *Journal) Lease(context.Context) (workflow.Lease, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lease, nil
}

// SaveLease writes the next version of the lease.
func (j *Journal) SaveLease(_ context.Context, l workflow.Lease) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lease.Version != l.Version-1 {
		return fault.ErrLostRace
	}
	j.lease = l
	return nil
}
