package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"orderflow/internal/dev/demo"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/clock"
)

// life is how long a process lives on average, with its start.
const life = 3 * time.Second

// serve runs the core as one process with the tables of an emulator. The process is killed while
// orders are placed, and another one continues. Kills are its only fault: stopped executions and
// copied events belong to a stack of functions.
func serve(ctx context.Context, o Options) (err error) {
	rep := devstack.NewReporter(o.Out)
	tables, err := devstack.StartEmulator(ctx, devstack.Options{Dir: filepath.Join(o.Dir, "aws"), Report: rep})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tables.Stop()) }()
	if err := tables.VerifySender(ctx); err != nil {
		return err
	}
	p := &process{options: devstack.Options{
		Dir: filepath.Join(o.Dir, "serve"), Report: rep, Env: tables.Environ(),
	}}
	stack, err := devstack.StartProcess(ctx, p.options, flags...)
	if err != nil {
		return err
	}
	r := &run{Options: o, stack: stack, aws: tables, killed: map[string]int{}, stopped: map[string]int{}}
	defer func() { err = errors.Join(err, r.stack.Stop()) }()
	r.shop = demo.Of(r.stack, customer(0))
	persistent(r.shop.Operator)
	if err := r.openShop(ctx); err != nil {
		return err
	}
	r.began = time.Now()
	if err := r.killing(ctx, p); err != nil {
		return err
	}
	r.shop = demo.Of(r.stack, customer(0)) // the last process has its own key
	persistent(r.shop.Operator)
	persistent(r.shop.Sandbox)
	r.printf("no more faults; everything has %s to come to rest", redelivered)
	if err := r.awaitRest(ctx, redelivered); err != nil {
		return err
	}
	return r.check(ctx)
}

// redelivered is the time to come to rest: a failed message is hidden for a minute or two, and may
// have failed several times while processes were killed.
const redelivered = 2 * rest

// flags are the flags of the process. With this lease, another process takes over at once.
var flags = []string{"-store", "dynamodb", "-create-tables", "-lease", "1s", "-sender", devstack.Sender,
	"-throttle=false"}

type process struct{ options devstack.Options }

// killing places the orders while it kills the process after random times and starts it again.
func (r *run) killing(ctx context.Context, p *process) error {
	limit, cancel := context.WithTimeout(ctx, 2*r.duration()+time.Minute)
	defer cancel()
	placed := make(chan error, 1)
	go func() { placed <- r.placeOrders(limit) }()
	random := r.rand(2)
	for n := range r.Kills {
		if err := clock.Sleep(limit, time.Duration(random.Int64N(int64(life)))); err != nil {
			return fmt.Errorf("%d of %d kills: %w", n, r.Kills, err)
		}
		if err := r.stack.Emulator.Kill(); err != nil {
			return err
		}
		r.locked(func() { r.killed[wholeProcess]++ })
		stack, err := devstack.RunProcess(limit, p.options, flags...)
		if err != nil {
			return fmt.Errorf("after %d kills: %w", n+1, err)
		}
		r.stack = stack
		if n%5 == 4 {
			r.printf("killed %d times; %s", n+1, r.tally())
		}
	}
	return <-placed
}

// wholeProcess counts the kills of the process with all functions. A delivery that dies with the
// process does not count, so no message is given up on because of kills.
const wholeProcess = "serve"
