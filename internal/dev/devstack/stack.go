// Package devstack runs all of orderflow on one machine, without an AWS account or containers.
//
// It installs its tools into the repository's .tools/, builds every function into
// .build/functions/, starts an emulator of AWS (MiniStack or LocalStack, see [Target]) as a process
// group, with a trace collector next to it (package collector), deploys template.yaml and
// sandbox/template.yaml to it with the SAM CLI, as to AWS, and starts the native RPC process
// (cmd/rpc).
//
// A stack writes only to its directory, [Options.Dir]: `.local/` for `make up`, a temporary
// directory for a test. Stacks share only tools and binaries, so any number of them can run at
// once.
package devstack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/concurrent"
)

// Options configure a stack or an emulator.
type Options struct {
	Target    Target   // empty: the existing stack's, or MiniStack
	Repo      Repo     // clone to deploy; empty: the one of the working directory
	Dir       string   // directory of all its files; empty: .local/ of the clone
	Port      int      // of the emulator, on 127.0.0.1; 0: its previous one, or any free port
	Env       []string // more NAME=value settings of the emulator, such as MiniStack's SFN_WAIT_SCALE=0.1
	Discovery string   // registry: parameters (default) or cloud-map
	// functions verify tokens, which Token signs; a stack keeps this
	NoAuthorizer bool
	Report       *Reporter // may be nil
}

// Stack is a running orderflow: the emulator with template.yaml and sandbox/template.yaml deployed.
type Stack struct {
	Emulator *Emulator
	Outputs  map[string]string // of both CloudFormation stacks, by name
	// TracesURL is the address of the trace collector, which has Zipkin's API.
	TracesURL string
	// GRPCTarget is host and port of the native RPC process, which speaks HTTP/2 in clear text.
	GRPCTarget string

	repo    Repo
	dir     string
	defined map[string]string // original definitions of state machines with scaled waits, by ARN

	signingIn sync.Mutex
	tokens    map[userRole]token
}

// required are the outputs that scripts and this package need.
var required = []string{"ApiUrl", "ApiId", "SandboxUrl", "FulfilOrderArn", "CompensateOrderArn"}

// fill applies the defaults.
func (o Options) fill() (Options, error) {
	var err error
	if o.Repo == "" {
		if o.Repo, err = FindRepo(); err != nil {
			return o, err
		}
	}
	o.Discovery = cmp.Or(o.Discovery, "parameters") // always explicit: SAM would reuse the stack's value
	o.Dir, err = filepath.Abs(cmp.Or(o.Dir, o.Repo.Path(".local")))
	return o, err
}

// Start brings a stack up: it installs tools, builds, starts the emulator and deploys, and skips
// what is already done. A stack already running in the directory is updated and keeps its data.
func Start(ctx context.Context, opts Options) (s *Stack, err error) {
	if opts, err = opts.fill(); err != nil {
		return nil, err
	}
	err = locked(opts.Dir, func() error {
		if opts, err = opts.onTarget(); err != nil {
			return err
		}
		var emulator *Emulator
		s, emulator, err = opts.start(ctx)
		return abandon(err, opts.Dir, emulator)
	})
	return s, err
}

// start returns the emulator if it was started, also on failure.
func (o Options) start(ctx context.Context) (_ *Stack, emulator *Emulator, _ error) {
	var traces *Server
	err := concurrent.All(
		func() (err error) {
			if err := o.Repo.Setup(ctx, o.Report, o.Target, false); err != nil {
				return err
			}
			emulator, err = resume(ctx, o)
			return err
		},
		func() (err error) {
			if err := o.Repo.Build(ctx, o.Report, Host()); err != nil {
				return err
			}
			if err := o.Repo.buildRPC(ctx); err != nil {
				return err
			}
			traces, err = o.Repo.collect(ctx, o.Dir)
			return err
		},
	)
	if err != nil {
		return nil, emulator, err
	}
	s := &Stack{Emulator: emulator, repo: o.Repo, dir: o.Dir, TracesURL: traces.URL}
	if err := s.deploy(ctx, o); err != nil {
		return nil, emulator, err
	}
	if s.Outputs, err = s.readOutputs(ctx); err != nil {
		return nil, emulator, err
	}
	for _, name := range required {
		if s.Outputs[name] == "" {
			return nil, emulator,
				fmt.Errorf("neither template.yaml nor sandbox/template.yaml has the output %s: add it", name)
		}
	}
	rpc, err := s.StartRPC(ctx, s.dir)
	if err != nil {
		return nil, emulator, err
	}
	s.GRPCTarget = rpc.Target
	return s, emulator, s.remember()
}

// onTarget adapts the options to the target: the requested one, or else the existing stack's. A
// running stack cannot change its target.
func (o Options) onTarget() (Options, error) {
	old, err := findEmulator(o.Dir)
	if err != nil {
		return o, err
	}
	if old != nil {
		has := cmp.Or(old.Target, MiniStack)
		if o.Target = cmp.Or(o.Target, has); o.Target != has && old.Process.alive() {
			return o, fmt.Errorf("the running stack uses %s: `make down` first", has)
		}
	}
	o.Target = cmp.Or(o.Target, MiniStack)
	if err := o.Target.check(); err != nil {
		return o, err
	}
	err = products[o.Target].adapt(&o)
	return o, err
}

// abandon stops what was started in dir, unless a deployment to it has succeeded before: a failed
// test must not leave a half-deployed stack behind.
func abandon(err error, dir string, e *Emulator) error {
	if to := deployedTo(dir); err == nil || to != (process{}) && (e == nil || to == e.Process) {
		return err
	}
	_, stopped := stopServers(dir)
	if e != nil {
		stopped = errors.Join(stopped, e.Stop())
	}
	return errors.Join(err, stopped)
}

// resume returns the emulator of opts.Dir if it is running and usable, and starts one otherwise.
func resume(ctx context.Context, opts Options) (*Emulator, error) {
	old, err := findEmulator(opts.Dir)
	if err != nil {
		return nil, err
	}
	if old != nil {
		// If its first deployment failed, it has no data to keep and may have half a stack.
		if old.Process.alive() && old.Healthy(ctx) && deployedTo(opts.Dir) == old.Process {
			opts.Report.Printf("  ✓ the emulator is running at %s\n", old.URL)
			return old, nil
		}
		if err := errors.Join(old.Stop(), os.RemoveAll(filepath.Join(opts.Dir, stackFile))); err != nil {
			return nil, err
		}
		if port := portOf(old.URL); opts.Port == 0 && portIsFree(port) {
			opts.Port = port
		}
	}
	var e *Emulator
	err = opts.Report.Do("start the emulator", func() (err error) {
		e, err = launch(ctx, opts)
		return err
	})
	return e, err
}

// Load returns the running stack of dir (empty: .local/ of the clone).
func Load(ctx context.Context, dir string) (*Stack, error) {
	opts, err := Options{Dir: dir}.fill()
	if err != nil {
		return nil, err
	}
	e, err := findEmulator(opts.Dir)
	if err != nil {
		return nil, err
	}
	if e == nil || !e.Process.alive() {
		return nil, errors.New("no stack is running here: `make up` starts one")
	}
	if !e.Healthy(ctx) {
		return nil, fmt.Errorf("the emulator (process %d) does not answer at %s: `make down`, then `make up`",
			e.Process.PID, e.URL)
	}
	s := &Stack{Emulator: e, repo: opts.Repo, dir: opts.Dir}
	values := map[string]any{}
	if found, err := load(s.file(), &values); err != nil {
		return nil, err
	} else if !found {
		return nil, errors.New("the stack is not fully deployed: run `make up`")
	}
	s.Outputs = map[string]string{}
	for name, value := range values {
		if text, ok := value.(string); ok {
			s.Outputs[name] = text
		}
	}
	s.TracesURL, s.GRPCTarget = s.Outputs["TracesUrl"], s.Outputs["GrpcTarget"]
	return s, nil
}

// Down stops the stack of dir (empty: .local/ of the clone) and removes its files. stopped is false
// if nothing was running.
func Down(dir string) (stopped bool, err error) {
	opts, err := Options{Dir: dir}.fill()
	if err != nil {
		return false, err
	}
	e, err := findEmulator(opts.Dir)
	if err != nil {
		return false, err
	}
	stopped, err = stopServers(opts.Dir)
	if e != nil {
		stopped, err = true, errors.Join(err, e.Stop())
	}
	if err != nil {
		return false, err
	}
	return stopped, os.RemoveAll(opts.Dir)
}

// Stop stops the stack and removes its files.
func (s *Stack) Stop() error {
	_, err := Down(s.dir)
	return err
}

// Config configures AWS clients for the stack's emulator, with its root credentials.
func (s *Stack) Config() aws.Config { return s.Emulator.Config() }

// Dir is the stack's directory.
func (s *Stack) Dir() string { return s.dir }

// Repo is the clone that the stack was deployed from.
func (s *Stack) Repo() Repo { return s.repo }

// Remember adds outputs of what was started next to the stack, until the next Start.
func (s *Stack) Remember(outputs map[string]string) error {
	maps.Copy(s.Outputs, outputs)
	return s.remember()
}

const stackFile = "stack.json"

// file is the stack's description for scripts: every output, and the emulator's address.
func (s *Stack) file() string { return filepath.Join(s.dir, stackFile) }

func (s *Stack) remember() error {
	values := map[string]any{"EndpointUrl": s.Emulator.URL, "Region": Region, "EmulatorPid": s.Emulator.Process.PID,
		"TracesUrl": s.TracesURL, "GrpcTarget": s.GRPCTarget}
	for name, value := range s.Outputs {
		if own, taken := values[name]; taken && own != value { // a loaded stack's outputs have them all
			return fmt.Errorf("the template output %s conflicts with a value of stack.json: rename it", name)
		}
		values[name] = value
	}
	return save(s.file(), values)
}
