package reporting

import (
	"context"
	"fmt"
	"time"

	"orderflow/internal/platform/fault"
)

// Errors of rebuilds.
var (
	ErrNoRebuild = fault.New(fault.NotFound, "NoRebuild", "the reports have never been rebuilt")
	// ErrNotBuilding: the rebuild can no longer be stopped.
	ErrNotBuilding = fault.New(fault.Conflict, "NotBuilding", "no rebuild is reading the log")
	// ErrTooManyPartitions: the switch would not fit into a transaction.
	ErrTooManyPartitions = fault.New(fault.Refused, "TooManyPartitions",
		"the reports are built from more than %d partitions of the log; a rebuild can replace at most that many",
		MaxSources)
)

// Topics of the log that reports are built from.
var Topics = []string{"orderflow.orders.events", "orderflow.payments.events"}

const (
	// step is how long an invocation builds or removes before it returns.
	step = 45 * time.Second
	// silence is how long a rebuild may make no progress before StartRebuild considers its
	// execution dead.
	silence = 10 * time.Minute
	// rounds bounds an invocation even if the clock stands still.
	rounds = 1000
	// recordsAtOnce is how many records of a source are read and projected at once.
	recordsAtOnce = 1000
)

// Machine runs Build repeatedly and, once the new generation is current, RemoveOld.
type Machine interface {
	// Run starts the execution of a rebuild, by its name. It also succeeds if the execution exists.
	Run(ctx context.Context, r Rebuild) error
}

// Rebuilds rebuilds the reports from the log into a new generation beside the current one, with the
// code that also projects new records.
type Rebuilds struct {
	*Service
	log     Log
	machine Machine
}

// NewRebuilds returns the use cases of rebuilds.
func NewRebuilds(s *Service, log Log, machine Machine) *Rebuilds { return &Rebuilds{s, log, machine} }

// Start begins a rebuild, or resumes a stopped one. If one is running, it returns that one, and
// restarts its execution if it makes no progress. With fresh, a rebuild that was stopped or makes
// no progress starts over. That is necessary if a release has changed the contributions of events.
func (s *Rebuilds) Start(ctx context.Context, by string, fresh bool) (Rebuild, error) {
	g, err := s.change(ctx, func(g *Generations) error {
		switch sources, err := s.store.Sources(ctx, g.Serving); {
		case err != nil:
			return err
		case len(sources) > MaxSources:
			return ErrTooManyPartitions
		}
		now, r := s.clock.Now(), g.Rebuild
		silent := r != nil && now.Sub(r.UpdatedAt) > silence
		switch {
		case r == nil || r.State == Done || fresh && (r.State == Stopped || r.State == Building && silent):
			g.Rebuild = &Rebuild{
				Generation: g.newest() + 1, Run: 1, State: Building, By: by, StartedAt: now, UpdatedAt: now,
				Since: g.Anew,
			}
		case r.State == Stopped:
			r.State, r.By, r.UpdatedAt = Building, by, now
			r.Run++
		case silent:
			r.UpdatedAt = now
			r.Run++
		}
		return nil
	})
	if err != nil {
		return Rebuild{}, err
	}
	return *g.Rebuild, s.machine.Run(ctx, *g.Rebuild)
}

// Execution is the name of the execution that runs the rebuild. Step Functions knows a name for 90
// days: after the stack was deleted and deployed again, the numbers of generations start over, but
// names must not repeat.
func (r Rebuild) Execution() string {
	return fmt.Sprintf("generation-%d-run-%d-of-%d", r.Generation, r.Run, r.StartedAt.Unix())
}

// newest returns the newest generation.
func (g Generations) newest() int64 {
	if g.Rebuild == nil {
		return g.Serving
	}
	return max(g.Serving, g.Rebuild.Generation)
}

// Stop stops a rebuild that reads the log. It may be resumed.
func (s *Rebuilds) Stop(ctx context.Context) (Rebuild, error) {
	g, err := s.change(ctx, func(g *Generations) error {
		switch {
		case g.Rebuild == nil:
			return ErrNoRebuild
		case g.Rebuild.State == Building:
			g.Rebuild.State, g.Rebuild.UpdatedAt = Stopped, s.clock.Now()
		case g.Rebuild.State != Stopped:
			return ErrNotBuilding
		}
		return nil
	})
	if err != nil {
		return Rebuild{}, err
	}
	return *g.Rebuild, nil
}

// Rebuild returns the last rebuild.
func (s *Service) Rebuild(ctx context.Context) (Rebuild, error) {
	g, err := s.store.Generations(ctx)
	switch {
	case err != nil:
		return Rebuild{}, err
	case g.Rebuild == nil:
		return Rebuild{}, ErrNoRebuild
	default:
		return *g.Rebuild, nil
	}
}

// change changes the generations. If change leaves them as they are, nothing is written.
func (s *Service) change(ctx context.Context, change func(*Generations) error) (g Generations, err error) {
	for range tries {
		if g, err = s.store.Generations(ctx); err != nil {
			return g, err
		}
		var before Rebuild
		if g.Rebuild != nil {
			before = *g.Rebuild
			after := before // stores may return what they keep
			g.Rebuild = &after
		}
		since, anew, removed := g.Since, g.Anew, g.Removed
		if err := change(&g); err != nil {
			return g, err
		}
		same := g.Rebuild == nil && before == Rebuild{} || g.Rebuild != nil && *g.Rebuild == before
		if same && g.Since.Equal(since) && g.Anew.Equal(anew) && g.Removed == removed {
			return g, nil
		}
		g.Version++
		if err = s.store.SaveGenerations(ctx, g); !again(err) {
			return g, err
		}
	}
	return g, err
}
