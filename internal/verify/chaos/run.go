package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
)

// Options configure a run.
type Options struct {
	Seed   uint64
	Orders int
	// Kills, Stops and Copies are the least numbers of faults.
	Kills, Stops, Copies int
	// Over is the time for orders and faults; faults continue until their least numbers are
	// reached.
	Over time.Duration
	// Rest is the time limit to come to rest afterwards.
	Rest time.Duration
	// Dir is the stack's directory.
	Dir string
	// Out gets progress, figures and violations.
	Out io.Writer
}

// ErrViolated is returned if an invariant does not hold.
var ErrViolated = errors.New("an invariant does not hold")

// run is one run.
type run struct {
	Options
	stack *devstack.Stack
	began time.Time

	lock   sync.Mutex
	orders []*placed
	kills  map[string]int // by function
	atWork int            // kills of functions that were busy
	stops  map[string]int // by order
	copies int
	wrong  []violation
}

// rand returns the random source of one actor.
func (r *run) rand(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(r.Seed, actor)) }

func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.Out, "%6.1f s  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

// Run starts a stack, injects faults, checks the invariants and stops the stack. It fails with
// ErrViolated if one does not hold.
func Run(ctx context.Context, opts Options) (err error) {
	fmt.Fprintf(opts.Out, "chaos with seed %d: %d orders\n", opts.Seed, opts.Orders)
	stack, err := devstack.Start(ctx, devstack.Options{Dir: opts.Dir, Report: devstack.NewReporter(opts.Out)})
	if err != nil {
		return fmt.Errorf("%w (logs in %s)", err, opts.Dir)
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	r := &run{Options: opts, stack: stack, began: time.Now(), kills: map[string]int{}, stops: map[string]int{}}
	if err := r.open(ctx); err != nil {
		return err
	}
	t, err := r.eavesdrop(ctx)
	if err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.storm(ctx, t); err != nil {
		return err
	}
	r.say("no more faults; everything has %s to come to rest", opts.Rest)
	deadline := time.Now().Add(opts.Rest)
	if err := r.rest(ctx, deadline); err != nil {
		return err
	}
	r.say("%d events come once more, long after they were dealt with", t.replay(ctx, 50))
	if err := r.rest(ctx, time.Now().Add(opts.Rest/2)); err != nil {
		return err
	}
	r.say("at rest; checking the invariants")
	f, err := r.look(ctx)
	if err != nil {
		return err
	}
	return r.report(f)
}

// storm places the orders while the actors inject faults, and returns once all orders are placed
// and there were enough faults.
func (r *run) storm(ctx context.Context, t *tap) error {
	limit, cancel := context.WithTimeout(ctx, r.Over+time.Minute)
	defer cancel()
	storming, calm := context.WithCancel(limit)
	var actors sync.WaitGroup
	errs := make(chan error, 3)
	for _, act := range []func(context.Context) error{r.kill, r.stop, t.duplicate} {
		actors.Go(func() { errs <- act(storming) })
	}
	actors.Go(func() { r.tell(storming) })
	err := r.shopping(limit, plan(r.rand(1), r.Orders, r.Over))
	for err == nil && !r.enough() {
		if err = clock.Sleep(limit, 200*time.Millisecond); err != nil {
			err = fmt.Errorf("%s of faults were not enough for %d kills, %d stopped executions and %d copies: %s",
				r.Over+time.Minute, r.Kills, r.Stops, r.Copies, r.tally())
		}
	}
	calm()
	actors.Wait()
	close(errs)
	for failed := range errs {
		err = errors.Join(err, failed)
	}
	return err
}

func (r *run) enough() bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return sum(r.kills) >= r.Kills && sum(r.stops) >= r.Stops && r.copies >= r.Copies && time.Since(r.began) >= r.Over
}

// tell prints progress until ctx ends.
func (r *run) tell(ctx context.Context) {
	for clock.Sleep(ctx, 5*time.Second) == nil {
		r.say("%s", r.tally())
	}
}

func (r *run) tally() string {
	r.lock.Lock()
	defer r.lock.Unlock()
	return fmt.Sprintf("%d of %d orders placed, %d processes killed, %d executions stopped, %d events copied",
		len(r.orders), r.Orders, sum(r.kills), sum(r.stops), r.copies)
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
