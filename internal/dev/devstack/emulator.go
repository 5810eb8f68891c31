package devstack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Region is the AWS region of every local stack.
const Region = "us-east-1"

// AccessKey and SecretKey are the emulator's root credentials. IAM is enforced for all others.
const (
	AccessKey = "test"
	SecretKey = "test"
)

// startLimit bounds the wait for the emulator, which takes a second or two on an idle machine.
const startLimit = 60 * time.Second

// EmulatorOptions configure an emulator.
type EmulatorOptions struct {
	Repo   Repo      // clone with its tools; empty: the one of the working directory
	Target Target    // empty: MiniStack
	Dir    string    // directory of all its files
	Port   int       // on 127.0.0.1; 0: any free port
	Env    []string  // more NAME=value settings, such as MiniStack's SFN_WAIT_SCALE=0.1
	Report *Reporter // may be nil
}

// Emulator is a running emulator of AWS. Its data ends with it.
type Emulator struct {
	URL     string  `json:"url"` // the endpoint of every service
	Process process `json:"process"`
	Name    string  `json:"name"` // tells it from another emulator at the URL
	Target  Target  `json:"target"`
	dir     string
}

// StartEmulator installs missing tools, starts an empty emulator, and returns when it answers.
func StartEmulator(ctx context.Context, opts EmulatorOptions) (*Emulator, error) {
	if opts.Repo == "" {
		repo, err := FindRepo()
		if err != nil {
			return nil, err
		}
		opts.Repo = repo
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	opts.Dir = dir
	if err := opts.Repo.Setup(ctx, opts.Report, opts.Target, false); err != nil {
		return nil, err
	}
	return launch(ctx, opts)
}

// launch starts an emulator whose tools are installed. It retries, since another process may take a
// free port first.
func launch(ctx context.Context, opts EmulatorOptions) (e *Emulator, err error) {
	for range 5 {
		port := opts.Port
		if port == 0 {
			if port, err = freePort(); err != nil {
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

func launchOn(ctx context.Context, opts EmulatorOptions, port int) (*Emulator, error) {
	e := &Emulator{URL: "http://127.0.0.1:" + strconv.Itoa(port), Name: "orderflow-" + rand.Text(), Target: opts.Target,
		dir: opts.Dir}
	p, err := opts.Target.product()
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"home", "tmp"} {
		if err := os.MkdirAll(filepath.Join(e.files(), sub), 0o755); err != nil {
			return nil, err
		}
	}
	argv, env, err := p.command(opts.Repo, e, port)
	if err != nil {
		return nil, err
	}
	log, err := os.Create(e.log())
	if err != nil {
		return nil, err
	}
	defer log.Close()

	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = e.files(), append(env, opts.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	// Its own session: it outlives `make up`, and it and its functions form one group to be ended
	// together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the emulator: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	e.Process, err = identify(cmd.Process.Pid)
	if err == nil {
		err = e.remember()
	}
	if err == nil {
		err = e.await(ctx, ended)
	}
	if err != nil {
		output, _ := os.ReadFile(e.log())
		return nil,
			errors.Join(fmt.Errorf("the emulator did not start: %w; end of %s:\n%s", err, e.log(),
				tail(output, 15)),
				endGroup(cmd.Process.Pid, time.Second), os.Remove(e.state()))
	}
	return e, nil
}

// await returns when the emulator answers.
func (e *Emulator) await(ctx context.Context, ended <-chan error) error {
	deadline := time.NewTimer(startLimit)
	defer deadline.Stop()
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		if e.Healthy(ctx) {
			return nil
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended at once (%v)", err) //nolint:errorlint // nil where it ended well
		case <-deadline.C:
			return fmt.Errorf("no answer from %s within %s", e.URL, startLimit)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-retry.C:
		}
	}
}

// Healthy reports whether this emulator, and not another, answers within two seconds.
func (e *Emulator) Healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	p, err := e.Target.product()
	if err != nil {
		return false
	}
	name, err := p.named(ctx, e)
	return err == nil && name == e.Name
}

// Stop ends the emulator and every process that it started, and removes their files except the log.
// It succeeds if the emulator has already ended.
func (e *Emulator) Stop() error {
	var others []process
	if e.Process.alive() {
		others = outsiders(e.Process.PID) // such as LocalStack's DynamoDB Local
	}
	// Its functions may outlive it. A group keeps its number while it has a member.
	if e.Process.alive() || e.orphansOnly() {
		if err := endGroup(e.Process.PID, 5*time.Second); err != nil {
			return err
		}
	}
	for _, other := range others {
		if other.alive() {
			if err := endGroup(other.PID, 5*time.Second); err != nil {
				return err
			}
		}
	}
	return errors.Join(os.RemoveAll(e.files()), os.RemoveAll(e.state()))
}

// orphansOnly reports whether the emulator has ended and only its functions are left in its group.
func (e *Emulator) orphansOnly() bool {
	pids := groupMembers(e.Process.PID)
	for _, pid := range pids {
		exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if err != nil || !strings.HasPrefix(exe, e.files()+string(filepath.Separator)) {
			return false
		}
	}
	return len(pids) > 0
}

func (e *Emulator) files() string { return filepath.Join(e.dir, "emulator") }
func (e *Emulator) log() string   { return filepath.Join(e.dir, "emulator.log") }
func (e *Emulator) state() string { return filepath.Join(e.dir, "emulator.json") }

func (e *Emulator) remember() error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return writeFile(e.state(), data, 0o644)
}

// findEmulator returns the emulator last started in dir, which may have ended, or nil.
func findEmulator(dir string) (*Emulator, error) {
	e := &Emulator{dir: dir}
	data, err := os.ReadFile(e.state())
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("%s: %w: remove it and try again", e.state(), err)
	}
	return e, nil
}
