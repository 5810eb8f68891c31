// Package chaos places orders on a new stack while faults are injected, and checks invariants once
// the system is at rest.
//
// The stack is the whole product, deployed with the SAM CLI to an emulator. For a bounded time,
// several actors inject real faults:
//
//   - processes of functions, ours and the sandbox's, are killed, most of them while busy;
//   - executions of both state machines are stopped from outside;
//   - events are delivered again, moments later and at the end;
//   - the payment provider fails and hangs (magic payment methods), the carrier refuses or hangs;
//   - the stock of a product runs out, and customers cancel at any moment;
//   - with Options.Brokers, Kafka and RabbitMQ are killed and started again.
//
// Then the system must settle on its own within a bounded time, and the invariants must hold:
// see invariants.go.
//
// The seed decides the orders, their times and the actors' random choices. The machine's timing
// decides where exactly a process is killed, so a seed does not replay a run exactly; the
// simulation does.
package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/concurrent"
)

// Options configure a run.
type Options struct {
	Seed   uint64
	Orders int
	Dir    string    // of the stack
	Out    io.Writer // of progress, figures and violations
	// Brokers runs the services that need brokers, too.
	Brokers bool
	// Serve runs the core as one process over an emulator's tables, which is killed Kills times.
	Serve bool
	Kills int
}

// rest is the time limit to come to rest after the faults.
const rest = 150 * time.Second

// duration is the time for orders and faults; faults continue until their minimum numbers are
// reached.
func (o Options) duration() time.Duration {
	if o.Serve {
		return time.Duration(o.Kills) * life
	}
	return time.Duration(o.Orders) * 235 * time.Millisecond
}

// The minimum numbers of killed processes, stopped executions and copied events.
func (o Options) kills() int  { return o.Orders * 3 / 16 }
func (o Options) stops() int  { return o.Orders * 3 / 64 }
func (o Options) copies() int { return o.Orders * 5 / 16 }

// ErrViolated is returned if an invariant does not hold.
var ErrViolated = errors.New("an invariant does not hold")

type run struct {
	Options
	stack   *devstack.Stack
	aws     *devstack.Emulator // has the tables and mails
	brokers *brokers.Brokers   // nil: none
	shop    demo.Shop
	began   time.Time

	lock       sync.Mutex // guards everything below
	orders     []*order
	killed     map[string]int // by function
	killedBusy int
	stopped    map[string]int // by order
	copied     int
	restarted  int // brokers that were killed and are back
	wrong      []violation
}

// rand returns the random source of one actor.
func (r *run) rand(actor uint64) *rand.Rand { return rand.New(rand.NewPCG(r.Seed, actor)) }

func (r *run) printf(format string, args ...any) {
	fmt.Fprintf(r.Out, "%6.1f s  %s\n", time.Since(r.began).Seconds(), fmt.Sprintf(format, args...))
}

func (r *run) locked(do func()) {
	r.lock.Lock()
	defer r.lock.Unlock()
	do()
}

// Run starts a stack, injects faults, checks the invariants and stops the stack. It fails with
// ErrViolated if one does not hold.
func Run(ctx context.Context, opts Options) (err error) {
	fmt.Fprintf(opts.Out, "chaos with seed %d: %d orders\n", opts.Seed, opts.Orders)
	if opts.Serve {
		return serve(ctx, opts)
	}
	rep := devstack.NewReporter(opts.Out)
	stack, err := devstack.Start(ctx, devstack.Options{Dir: opts.Dir, Report: rep})
	if err != nil {
		return fmt.Errorf("%w (logs in %s)", err, opts.Dir)
	}
	defer func() { err = errors.Join(err, stack.Stop()) }()
	r := &run{Options: opts, stack: stack, aws: stack.Emulator, killed: map[string]int{}, stopped: map[string]int{}}
	if opts.Brokers {
		r.brokers, err = brokers.Up(ctx, rep, stack)
		if err == nil {
			err = brokers.RepeatSoon(ctx, stack)
		}
		if err != nil {
			return fmt.Errorf("%w (logs in %s)", err, opts.Dir)
		}
	}
	r.shop = demo.Of(stack, customer(0))
	persistent(r.shop.Operator)
	persistent(r.shop.Sandbox)
	if err := r.openShop(ctx); err != nil {
		return err
	}
	c, err := r.newCopier(ctx)
	if err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.storm(ctx, c); err != nil {
		return err
	}
	r.printf("no more faults; everything has %s to come to rest", rest)
	if err := r.awaitRest(ctx, rest); err != nil {
		return err
	}
	r.printf("%d events are delivered again, long after they were handled", c.replay(ctx, 50))
	if r.brokers != nil {
		r.printf("the warehouse announces its receipts again")
		if err := r.receive(ctx); err != nil {
			return err
		}
	}
	if err := r.awaitRest(ctx, rest/2); err != nil {
		return err
	}
	return r.check(ctx)
}

// check checks the invariants.
func (r *run) check(ctx context.Context) error {
	r.printf("at rest; checking the invariants")
	f, err := r.collect(ctx)
	if err != nil {
		return err
	}
	return r.report(f)
}

// storm places the orders while the actors inject faults, and returns once all orders are placed
// and there were enough faults.
func (r *run) storm(ctx context.Context, c *copier) error {
	limit, cancel := context.WithTimeout(ctx, r.duration()+time.Minute)
	defer cancel()
	storming, calm := context.WithCancel(limit)
	defer calm()
	actors := []func(context.Context) error{r.killProcesses, r.stopExecutions, c.copyEvents, r.printProgress}
	if r.brokers != nil {
		actors = append(actors, r.killBrokers)
	}
	ended := make(chan error)
	go func() {
		ended <- concurrent.Do(len(actors), len(actors), func(i int) error { return actors[i](storming) })
	}()
	err := r.placeOrders(limit)
	for err == nil && !r.enough() {
		if err = clock.Sleep(limit, 200*time.Millisecond); err != nil {
			err = fmt.Errorf("%s of faults were not enough for %d kills, %d stopped executions and %d copies: %s",
				r.duration()+time.Minute, r.kills(), r.stops(), r.copies(), r.tally())
		}
	}
	calm()
	return errors.Join(err, <-ended)
}

func (r *run) enough() (enough bool) {
	r.locked(func() {
		enough = sum(r.killed) >= r.kills() && sum(r.stopped) >= r.stops() && r.copied >= r.copies() &&
			(r.brokers == nil || r.restarted == 2) && time.Since(r.began) >= r.duration()
	})
	return enough
}

func (r *run) printProgress(ctx context.Context) error {
	for clock.Sleep(ctx, 5*time.Second) == nil {
		r.printf("%s", r.tally())
	}
	return nil
}

func (r *run) tally() (text string) {
	r.locked(func() {
		text = fmt.Sprintf("%d of %d orders placed, %d processes killed, %d executions stopped, %d events copied",
			len(r.orders), r.Orders, sum(r.killed), sum(r.stopped), r.copied)
	})
	return text
}

func sum(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}
