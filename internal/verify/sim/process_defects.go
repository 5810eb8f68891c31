package sim

import (
	"context"
	"time"

	"orderflow/internal/platform/workflow"
)

// tardy writes a transition after the step has begun.
type tardy struct {
	workflow.Journal
	w *World
}

// Save is part of workflow.Journal.
func (j tardy) Save(ctx context.Context, x workflow.Execution) error {
	j.w.after(20*time.Millisecond, func() { _ = j.Journal.Save(context.WithoutCancel(ctx), x) })
	return nil
}

// leaseless shows every process a free lease.
type leaseless struct{ workflow.Journal }

// Lease is part of workflow.Journal.
func (j leaseless) Lease(ctx context.Context) (workflow.Lease, error) {
	l, err := j.Journal.Lease(ctx)
	return workflow.Lease{Version: l.Version}, err
}

// overwritten accepts every version of an execution.
type overwritten struct{ workflow.Journal }

// Save is part of workflow.Journal.
func (j overwritten) Save(ctx context.Context, x workflow.Execution) error {
	if before, err := j.Execution(ctx, x.Machine, x.Name); err == nil && x.Version > 1 {
		x.Version = before.Version + 1
	}
	return j.Journal.Save(ctx, x)
}

// unlisted lists no open executions.
type unlisted struct{ workflow.Journal }

// Open is part of workflow.Journal.
func (unlisted) Open(context.Context, time.Time, func(machine, name string)) error { return nil }
