package workflow

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
)

// pause is the time until an execution in doubt is taken over again.
const pause = time.Second

// sweep is how often the engine looks for executions that nobody drives, and how old they are:
// younger ones are being started.
const sweep = 30 * time.Second

// Leads reports whether this process holds the lease.
func (e *Engine) Leads() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leads()
}

func (e *Engine) leads() bool { return e.term != nil && e.o.Clock.Now().Before(e.until) }

// Lead obtains or renews the lease and reports whether this process has it. Run calls it
// repeatedly.
func (e *Engine) Lead(ctx context.Context) (bool, error) { //nolint:contextcheck // the term outlives the call
	if !e.Leads() {
		e.cease() // it had the lease for too long without renewing it
	}
	now := e.o.Clock.Now()
	err := e.renew(ctx, now)
	if err != nil && !e.Leads() {
		e.cease()
		if errors.Is(err, ErrNotLeading) {
			err = nil
		}
		return false, err
	}
	e.mu.Lock()
	before := now.Add(-sweep)
	if e.term == nil {
		e.term, e.resign = context.WithCancel(context.WithoutCancel(ctx))
		before, e.swept = now.Add(sweep), time.Time{}
	}
	look := now.Sub(e.swept) >= sweep && !e.draining
	if look {
		e.swept = now
	}
	term := e.term
	e.mu.Unlock()
	if look {
		e.o.After(0, func() { e.adoptAll(term, before) })
	}
	return true, err
}

// renew writes the lease's next term. It fails with ErrNotLeading if another process has the lease.
func (e *Engine) renew(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, e.o.Lease) // a later answer is useless
	defer cancel()
	l, err := e.o.Journal.Lease(ctx)
	if err != nil {
		return err
	}
	if l.Owner != e.o.Owner && now.Before(l.Until) {
		return e.lose()
	}
	next := Lease{Owner: e.o.Owner, Until: now.Add(e.o.Lease), Version: l.Version + 1}
	if err := e.o.Journal.SaveLease(ctx, next); errors.Is(err, fault.ErrLostRace) {
		return e.lose()
	} else if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = next.Until
	return nil
}

// lose notes that another process has the lease.
func (e *Engine) lose() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.until = time.Time{}
	return ErrNotLeading
}

// cease gives up all executions. They stay in the journal.
func (e *Engine) cease() {
	e.mu.Lock()
	runs := e.runs
	e.runs, e.standard = map[string]*run{}, 0
	if e.term != nil {
		e.resign()
		e.term = nil
	}
	e.until = time.Time{}
	e.mu.Unlock()
	for _, r := range runs {
		r.mu.Lock()
		r.leave()
		r.mu.Unlock()
	}
}

// remove takes a run from the engine, unless it is another one by now.
func (e *Engine) remove(r *run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[r.id] == r {
		delete(e.runs, r.id)
		if !r.express {
			e.standard--
		}
	}
	e.atRest()
}

// atRest notes when a draining engine has nothing left to do.
func (e *Engine) atRest() {
	if !e.draining || len(e.runs) > 0 {
		return
	}
	select {
	case <-e.rested:
	default:
		close(e.rested)
	}
}

// abreast is how many executions are taken over at the same time.
const abreast = 8

// adoptAll takes over all open executions that started before a time.
func (e *Engine) adoptAll(ctx context.Context, before time.Time) {
	var mu sync.Mutex
	var left [][2]string // machines and names
	err := e.o.Journal.Open(ctx, before, func(machine, name string) { left = append(left, [2]string{machine, name}) })
	chains := min(abreast, len(left))
	var next func()
	next = func() {
		mu.Lock()
		if len(left) == 0 || ctx.Err() != nil {
			mu.Unlock()
			return
		}
		one := left[0]
		left = left[1:]
		mu.Unlock()
		if _, err := e.adopt(ctx, one[0], one[1]); err != nil && !errors.Is(err, ErrNone) {
			e.adoptSoon(ctx, one[0], one[1])
		}
		e.o.After(0, next)
	}
	for range chains {
		e.o.After(0, next)
	}
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "open executions were not listed; it will be tried again", "error", err.Error())
		e.mu.Lock()
		defer e.mu.Unlock()
		e.swept = time.Time{}
	}
}

// adoptSoon takes an execution over after a while, unless the engine's term ends before.
func (e *Engine) adoptSoon(term context.Context, machine, name string) {
	e.o.After(pause, func() {
		if term.Err() != nil {
			return
		}
		if _, err := e.adopt(term, machine, name); err != nil && !errors.Is(err, ErrNone) {
			slog.WarnContext(term, "an execution was not taken over; trying again",
				"machine", machine, "execution", name, "error", err.Error())
			e.adoptSoon(term, machine, name)
		}
	})
}

// adopt drives an open execution that this process does not drive yet. Writing the next version
// bars all earlier drivers. It returns the execution's run, nil if that has ended.
func (e *Engine) adopt(ctx context.Context, machine, name string) (*run, error) {
	m, ok := e.o.Machines[machine]
	if !ok || m.Express {
		return nil, ErrNone
	}
	r, other, err := e.enlist(machine, name, false)
	if err != nil || other != nil {
		return other, err
	}
	defer r.mu.Unlock()
	r.kept, err = e.o.Journal.Execution(ctx, machine, name)
	if err != nil || !r.kept.Open() {
		r.leave()
		return nil, err
	}
	if r.kept.Status != Running {
		r.kept.Version++
		if err = r.save(ctx, r.kept); err != nil {
			r.leave()
			return nil, err
		}
		r.end()
		return r, nil
	}
	var history []Event
	x, err := m.Definition.Resume(name, r.kept.Input, r.kept.Position)
	if err != nil { // a release has changed the machine
		now := e.o.Clock.Now()
		x = m.Definition.Start(name, r.kept.Input)
		_ = x.Stop(asl.Failed, asl.ErrRuntime, err.Error()) // it has just begun
		history = []Event{{At: now, Kind: ends[asl.Failed], Error: asl.ErrRuntime, Cause: err.Error()}}
	}
	if err := r.write(ctx, x, history); err != nil {
		r.leave()
		return nil, err
	}
	return r, nil
}

// Run drives executions until ctx ends, whenever this process has the lease. Meanwhile lead runs,
// with a context that ends with the lease; Run waits for its end.
func (e *Engine) Run(ctx context.Context, lead func(ctx context.Context)) {
	var leading sync.WaitGroup
	end := func() {}
	for ctx.Err() == nil {
		before := e.Leads()
		held, err := e.Lead(ctx)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "the lease was not renewed; trying again", "held", held, "error", err.Error())
		}
		if before && !held {
			slog.WarnContext(ctx, "another process drives the executions now")
		}
		if !held {
			end()
			leading.Wait()
			end = func() {}
		} else if !before {
			end()
			leading.Wait()
			var term context.Context
			term, end = context.WithCancel(ctx)
			leading.Go(func() { lead(term) })
		}
		_ = clock.Sleep(ctx, e.o.Lease/3)
	}
	end()
	leading.Wait()
	e.cease()
	e.release(context.WithoutCancel(ctx))
}

// release lets the next process take over at once.
func (e *Engine) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, e.o.Lease)
	defer cancel()
	l, err := e.o.Journal.Lease(ctx)
	if err == nil && l.Owner == e.o.Owner {
		err = e.o.Journal.SaveLease(ctx, Lease{Version: l.Version + 1})
	}
	if err != nil {
		slog.WarnContext(ctx, "the lease was not released; it ends by itself", "error", err.Error())
	}
}

// Report is the outcome of a drain.
type Report struct {
	// Parked are the ids of the executions that still run. They stay in the journal, and the next
	// process continues them.
	Parked []string
}

// Drain starts no more executions and waits until none runs here, or until ctx ends. Then it gives
// up the remaining ones.
func (e *Engine) Drain(ctx context.Context) Report {
	e.mu.Lock()
	e.draining = true
	e.atRest()
	e.mu.Unlock()
	select {
	case <-e.rested:
	case <-ctx.Done():
	}
	e.mu.Lock()
	e.parked = true
	e.mu.Unlock()
	e.cease()
	return e.left(context.WithoutCancel(ctx))
}

// left lists the executions that are running according to the journal.
func (e *Engine) left(ctx context.Context) (r Report) {
	ctx, cancel := context.WithTimeout(ctx, e.o.Lease)
	defer cancel()
	open, err := e.Open(ctx)
	if err != nil {
		slog.WarnContext(ctx, "parked executions were not listed", "error", err.Error())
	}
	for _, x := range open {
		if x.Status == Running {
			r.Parked = append(r.Parked, ID(x.Machine, x.Name))
		}
	}
	slices.Sort(r.Parked)
	return r
}
