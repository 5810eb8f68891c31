package samlocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"orderflow/internal/dev/devstack"
)

// Options configure a run.
type Options struct {
	Repo devstack.Repo
	Dir  string // directory of all files of the run
	Out  io.Writer
}

// ErrWrong is returned if functions in containers do not behave as expected.
var ErrWrong = errors.New("functions in containers do not behave as expected")

// Run invokes every function, tests the API, and prints the results. It returns ErrWrong if one is
// not as expected.
func Run(ctx context.Context, o Options) (err error) {
	began := time.Now()
	rep := devstack.NewReporter(os.Stderr)
	wants, err := readWants(o.Repo)
	if err != nil {
		return err
	}
	functions, err := complete(o.Repo, wants)
	if err != nil {
		return err
	}
	w, err := begin(ctx, o, rep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.end(ctx)) }()

	right, err := w.invokeAll(ctx, wants, o.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "  functions: %d of %d, %s since the start\n", right, functions,
		devstack.Seconds(time.Since(began)))
	api, err := w.testAPI(ctx, o.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "sam-local: %d of %d functions, API %d of %d requests, %d of %d end-to-end tests, %s\n", right,
		functions,
		api.requests, api.ofRequests, api.tests, api.ofTests, devstack.Seconds(time.Since(began)))
	if right < functions || !api.right() {
		return ErrWrong
	}
	return nil
}

// world is the environment of functions in containers.
type world struct {
	stack     *devstack.Stack
	engine    *devstack.Engine
	sam       *cli
	unpublish func() error
	dir       string
}

func begin(ctx context.Context, o Options, rep *devstack.Reporter) (w *world, err error) {
	w = &world{dir: o.Dir, unpublish: func() error { return nil }}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.end(ctx))
		}
	}()
	if err := o.Repo.Setup(ctx, rep, devstack.MiniStack, false); err != nil {
		return w, err
	}
	if w.engine, err = devstack.FindEngine(ctx, rep); err != nil {
		return w, err
	}
	if w.stack, err = devstack.Start(ctx,
		devstack.Options{Repo: o.Repo, Dir: filepath.Join(o.Dir, "stack"), NoAuthorizer: true,
			Report: rep}); err != nil {
		return w, err
	}
	if w.sam, err = newCLI(ctx, o.Repo, o.Dir, w.stack, w.engine); err != nil {
		return w, err
	}
	if err := rep.Do("sam build", func() error { return w.sam.build(ctx) }); err != nil {
		return w, err
	}
	endpoint, unpublish, err := w.stack.Publish(ctx, w.engine.Gateway)
	if err != nil {
		return w, err
	}
	w.unpublish = unpublish
	return w, w.sam.writeVariables(ctx, w.stack, endpoint)
}

// end stops everything that begin started, even after ctx has ended.
func (w *world) end(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if w.engine != nil {
		_, err = w.engine.RemoveContainers(ctx, w.dir)
	}
	err = errors.Join(err, w.unpublish())
	if w.stack != nil {
		err = errors.Join(err, w.stack.Stop())
	}
	return err
}

// invokeAll invokes each function with its sample event and returns how many behaved as expected.
// Functions of a service run in sequence, as they build on each other; services run concurrently.
func (w *world) invokeAll(ctx context.Context, wants map[string][]want, out io.Writer) (right int, err error) {
	if err := stockTea(ctx, w.stack); err != nil {
		return 0, err
	}
	// Then only the functions invoked here consume messages.
	if err := w.stack.Consume(ctx, false); err != nil {
		return 0, err
	}
	var mu sync.Mutex
	slots := make(chan struct{}, runtime.NumCPU()+1) // each waits for its container
	lane := func(list []want) {
		for _, wanted := range list {
			slots <- struct{}{}
			began := time.Now()
			err := w.one(ctx, wanted)
			mu.Lock()
			if err == nil {
				right++
				fmt.Fprintf(out, "  ✓ %s (%s)\n", wanted.Function, devstack.Seconds(time.Since(began)))
			} else {
				fmt.Fprintf(out, "  ✗ %s: %v\n", wanted.Function, err)
			}
			mu.Unlock()
			<-slots
		}
	}
	var all sync.WaitGroup
	for service, list := range wants {
		if service != last {
			all.Go(func() { lane(list) })
		}
	}
	all.Wait()
	lane(wants[last])
	return right, ctx.Err()
}

// last is the service that is invoked last: its state machines call functions of all services.
const last = "fulfilment"

func (w *world) one(ctx context.Context, wanted want) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	event := w.sam.repo.Path("events", wanted.service, wanted.Function+".json")
	if err := given(ctx, w.stack, wanted, event); err != nil {
		return err
	}
	answer, err := w.sam.invoke(ctx, wanted.Function, event)
	if err != nil {
		return err
	}
	body, err := wanted.check(answer)
	if err != nil {
		return err
	}
	return look(ctx, w.stack, wanted, body)
}
