package sim

import (
	"context"
	"errors"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

type writer = func(commit.With) error

func withoutBarrier(_ gate, with commit.With, write writer) error {
	with.Barrier = nil
	return write(with)
}

// withoutNullCompensation writes the record of the undo, but not those of the steps that it bars.
func withoutNullCompensation(_ gate, with commit.With, write writer) error {
	if with.Barrier != nil {
		recs, err := with.Barrier.Records()
		if err != nil {
			return err
		}
		if rec := recs[0]; rec.Phase == barrier.Compensation {
			with.Barrier = undoEntry(rec)
		}
	}
	return write(with)
}

// undoEntry returns the entry of an undo that bars nothing.
func undoEntry(rec barrier.Record) (entry *barrier.Entry) {
	_, _ = barrier.Undo(context.Background(), memdb.NewLog(clock.System{}), rec.Saga, rec.Step, nil,
		func(_ context.Context, _ barrier.Done, once barrier.Once) (struct{}, error) {
			entry = once.Returning(rec.Result)
			return struct{}{}, nil
		})
	return entry
}

func barrierAfterwards(g gate, with commit.With, write writer) error {
	late := commit.With{Barrier: with.Barrier}
	with.Barrier = nil
	return g.inTwo(with, late, write)
}

func replyAfterwards(g gate, with commit.With, write writer) error {
	late := commit.With{Reply: with.Reply}
	with.Reply = nil
	return g.inTwo(with, late, write)
}

// inTwo commits in two transactions, between which anything may happen.
func (g gate) inTwo(with, late commit.With, write writer) error {
	if err := write(with); err != nil {
		return err
	}
	g.w.breathe()
	g.w.crash(crashAfter)
	log := g.w.logs[g.service]
	log.Guard(memdb.Open{})
	defer log.Guard(g)
	return log.Commit(late, func() error { return nil })
}

func publishAfter(g gate, with commit.With, write writer) error {
	events := with.Events
	with.Events = nil
	if err := write(with); err != nil {
		return err
	}
	g.w.breathe()
	g.w.crash(crashAfter)
	for _, e := range events {
		g.w.fanOut(g.service, e)
	}
	return nil
}

func publishBefore(g gate, with commit.With, write writer) error {
	for _, e := range with.Events {
		g.w.fanOut(g.service, e)
	}
	g.w.crash(crashBefore)
	return write(with)
}

func racesIgnored(_ gate, with commit.With, write writer) error {
	if err := write(with); !errors.Is(err, fault.ErrLostRace) {
		return err
	}
	return nil
}
