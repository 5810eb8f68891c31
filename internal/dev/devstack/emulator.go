package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Region is the AWS region of every local stack.
const Region = "us-east-1"

// AccessKey and SecretKey are the emulator's root credentials. IAM is enforced for all others.
const (
	AccessKey = "test"
	SecretKey = "test"
)

// emulatorName names the emulator's files.
const emulatorName = "emulator"

// startLimit bounds the wait for the emulator, which takes a second or two on an idle machine.
const startLimit = 60 * time.Second

// Emulator is a running emulator of AWS at URL. Its data ends with it.
type Emulator struct {
	Server
	Name   string `json:"name"` // tells it from another emulator at the URL
	Target Target `json:"target"`
	key    string // of its root credentials, if it is not the well-known one
}

// StartEmulator installs missing tools, starts an empty emulator, and returns when it answers.
func StartEmulator(ctx context.Context, opts Options) (*Emulator, error) {
	opts, err := opts.fill()
	if err != nil {
		return nil, err
	}
	if err := opts.Repo.Setup(ctx, opts.Report, opts.Target, false); err != nil {
		return nil, err
	}
	return launch(ctx, opts)
}

// launch starts an emulator whose tools are installed. It retries, since another process may take a
// free port first.
func launch(ctx context.Context, opts Options) (e *Emulator, err error) {
	for range 5 {
		port := opts.Port
		if port == 0 {
			if port, err = FreePort(); err != nil {
				return nil, err
			}
		}
		e, err = launchOn(ctx, opts, port)
		if err == nil || opts.Port != 0 || !strings.Contains(err.Error(), "already in use") {
			return e, err
		}
	}
	return nil, err
}

func launchOn(ctx context.Context, opts Options, port int) (*Emulator, error) {
	e := emulatorOf(opts.Dir)
	e.URL, e.Name, e.Target = urlOf(port), "orderflow-"+rand.Text(), opts.Target
	home, tmp := filepath.Join(e.files(), "home"), filepath.Join(e.files(), "tmp")
	if err := errors.Join(os.MkdirAll(home, 0o755), os.MkdirAll(tmp, 0o755)); err != nil {
		return nil, err
	}
	argv, env := products[e.Target].command(opts.Repo, e, port)
	err := e.start(ctx, Program{
		Argv:  func(int) []string { return argv },
		Env:   append(append(env, "PATH="+os.Getenv("PATH"), "LANG=C.UTF-8", "HOME="+home, "TMPDIR="+tmp), opts.Env...),
		Dir:   e.files(),
		state: e,
		Ready: func(ctx context.Context, _ string) bool { return e.Healthy(ctx) },
		Limit: startLimit,
	}, port)
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Healthy reports whether this emulator, and not another, answers within two seconds.
func (e *Emulator) Healthy(ctx context.Context) bool {
	name, err := products[e.Target].named(ctx, e)
	return err == nil && name == e.Name
}

// Stop ends the emulator and every process that it started, and removes their files except the log.
// It succeeds if the emulator has already ended.
func (e *Emulator) Stop() error {
	var others []process
	if e.Process.alive() {
		others = outsiders(e.Process.PID) // such as LocalStack's DynamoDB Local
	} else if e.orphansOnly() {
		// Its functions may outlive it. A group keeps its number while it has a member.
		if err := endGroup(e.Process.PID, 5*time.Second); err != nil {
			return err
		}
	}
	err := e.Server.Stop()
	for _, other := range others {
		if other.alive() {
			err = errors.Join(err, endGroup(other.PID, 5*time.Second))
		}
	}
	if err != nil {
		return err
	}
	return os.RemoveAll(e.files())
}

// orphansOnly reports whether the emulator has ended and only its functions are left in its group.
func (e *Emulator) orphansOnly() bool {
	pids := groupMembers(e.Process.PID)
	return len(pids) > 0 && !slices.ContainsFunc(pids, func(pid int) bool { return !e.contains(pid) })
}

func (e *Emulator) files() string { return filepath.Join(e.dir, "emulator") }

func emulatorOf(dir string) *Emulator { return &Emulator{Server: Server{dir: dir, name: emulatorName}} }

// findEmulator returns the emulator last started in dir, which may have ended, or nil.
func findEmulator(dir string) (*Emulator, error) {
	e := emulatorOf(dir)
	if found, err := load(e.file(), e); !found {
		return nil, err
	}
	return e, nil
}
