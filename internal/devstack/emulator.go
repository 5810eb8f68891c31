package devstack

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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

// AccessKey and SecretKey are the emulator's root credentials. It enforces IAM for all others.
const (
	AccessKey = "test"
	SecretKey = "test"
)

// startLimit bounds the wait for the emulator; it takes a second or two on an idle machine.
const startLimit = 60 * time.Second

// EmulatorOptions say how to start an emulator.
type EmulatorOptions struct {
	Repo   Repo      // the clone that its tools lie in; empty: the one of the working directory
	Dir    string    // gets every file that it writes
	Port   int       // on 127.0.0.1; 0: any that is free
	Env    []string  // further NAME=value settings of MiniStack, such as SFN_WAIT_SCALE=0.1
	Report *Reporter // may be nil
}

// Emulator is a running emulator of AWS. It keeps nothing beyond its own end.
type Emulator struct {
	URL     string  `json:"url"` // the endpoint of every service
	Process process `json:"process"`
	Name    string  `json:"name"` // what it calls itself: another may answer at the URL
	dir     string
}

// StartEmulator installs the tools if need be, starts an emulator with nothing deployed, and returns when it answers.
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
	if err := opts.Repo.Setup(ctx, opts.Report, false); err != nil {
		return nil, err
	}
	return launch(ctx, opts)
}

// launch starts an emulator whose tools are installed. A port found free may be taken a moment later, so it tries again.
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
	e := &Emulator{URL: "http://127.0.0.1:" + strconv.Itoa(port), Name: "orderflow-" + rand.Text(), dir: opts.Dir}
	for _, sub := range []string{"home", "tmp"} {
		if err := os.MkdirAll(filepath.Join(e.files(), sub), 0o755); err != nil {
			return nil, err
		}
	}
	log, err := os.Create(e.log())
	if err != nil {
		return nil, err
	}
	defer log.Close()

	cmd := exec.Command(opts.Repo.Path(".tools", "ministack", "bin", "python"), "-m", "ministack")
	cmd.Dir, cmd.Env = e.files(), e.environ(port, opts.Env)
	cmd.Stdout, cmd.Stderr = log, log
	// A session of its own: it outlives `make up`, and with its functions it forms one group that can be ended as a whole.
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
		return nil, errors.Join(fmt.Errorf("the emulator did not start: %w; the end of %s:\n%s", err, e.log(), tail(output, 15)),
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

// Healthy tells whether this very emulator answers within two seconds.
func (e *Emulator) Healthy(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/_ministack/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var answer struct{ Edition string }
	return json.NewDecoder(resp.Body).Decode(&answer) == nil && answer.Edition == e.Name
}

// Stop ends the emulator and every function process that it started, and removes their files except the log. To stop
// one that has ended already is no error.
func (e *Emulator) Stop() error {
	// Its functions may outlive it; a group keeps its number as long as it has a member, so the number is still theirs.
	if e.Process.alive() || e.orphansOnly() {
		if err := endGroup(e.Process.PID, 5*time.Second); err != nil {
			return err
		}
	}
	return errors.Join(os.RemoveAll(e.files()), os.RemoveAll(e.state()))
}

// orphansOnly tells whether the emulator has ended and every process left of its group runs a binary of its own.
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

// environ is the emulator's whole environment. Its functions inherit it, so nothing of the user's own comes in.
func (e *Emulator) environ(port int, extra []string) []string {
	files := e.files()
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8",
		"HOME=" + filepath.Join(files, "home"), "TMPDIR=" + filepath.Join(files, "tmp"),
		"STATE_DIR=" + filepath.Join(files, "state"), "S3_DATA_DIR=" + filepath.Join(files, "s3"),
		"BIND_HOST=127.0.0.1", "GATEWAY_PORT=" + strconv.Itoa(port), "MINISTACK_REGION=" + Region,
		"AWS_ENDPOINT_URL=" + e.URL, // or its functions would call AWS itself
		"AWS_EC2_METADATA_DISABLED=true",
		"MINISTACK_EDITION=" + e.Name,
		"AUTH=true",              // enforce IAM
		"CLOUDTRAIL_RECORDING=1", // LookupEvents lists every call
		// Listeners on fixed ports, which only one emulator of a machine could have, and Docker, which it would tidy up.
		"SFTP_ENABLED=0", "IOT_MTLS_ENABLED=0", "DOCKER_HOST=unix://" + filepath.Join(files, "no-docker.sock"),
	}, extra...)
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

// findEmulator returns the emulator that was last started in dir, which may have ended, or nil if there was none.
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
