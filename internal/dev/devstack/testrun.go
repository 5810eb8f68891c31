package devstack

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
)

// testRuns is the subdirectory of .local/ with a directory for each run of Exec.
const testRuns = "test"

// Exec runs a program with an empty emulator, whose URL is in ORDERFLOW_TEST_ENDPOINT, with the AWS
// variables set to match. It returns the program's exit code. Signals are forwarded, and the
// emulator ends after the program.
func Exec(ctx context.Context, repo Repo, rep *Reporter, argv []string) (code int, err error) {
	runs := repo.Path(".local", testRuns)
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return 0, err
	}
	if err := sweep(runs); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp(runs, "run-")
	if err != nil {
		return 0, err
	}
	// In reverse order: the emulator is stopped first, and empty directories go last.
	defer os.Remove(repo.Path(".local"))
	defer os.Remove(runs)
	defer os.RemoveAll(dir)
	if err := claim(dir); err != nil {
		return 0, err
	}

	// From here on the emulator must end before this process, even on a signal.
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)

	var e *Emulator
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{})
	go func() {
		defer close(started)
		err = rep.Do("start an emulator for this run", func() (err error) {
			e, err = StartEmulator(starting, EmulatorOptions{Repo: repo, Dir: dir, Report: rep})
			return err
		})
	}()
	select {
	case <-started:
	case <-signals:
		cancel()
		<-started
		err = errors.Join(err, context.Canceled)
	}
	if e != nil {
		defer func() { err = errors.Join(err, e.Stop()) }()
	}
	if err != nil {
		return 0, err
	}
	return runForwarding(argv,
		environ("ORDERFLOW_TEST_ENDPOINT="+e.URL, "AWS_ENDPOINT_URL="+e.URL, "AWS_REGION="+Region,
			"AWS_DEFAULT_REGION="+Region, "AWS_ACCESS_KEY_ID="+AccessKey, "AWS_SECRET_ACCESS_KEY="+SecretKey,
			"AWS_SESSION_TOKEN=",
			"AWS_PROFILE=", "AWS_EC2_METADATA_DISABLED=true"), signals)
}

// runForwarding runs a program on this terminal and forwards signals to it.
func runForwarding(argv, env []string, signals <-chan os.Signal) (code int, err error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = cmd.Process.Signal(s) // fails only if it has already ended
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
					return 128 + int(status.Signal()), nil
				}
				return exit.ExitCode(), nil
			}
			return 0, err
		}
	}
}

// sweep ends the emulators of earlier runs that were killed.
func sweep(runs string) error {
	dirs, err := abandoned(filepath.Join(runs, "run-*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		e, err := findEmulator(dir)
		if err != nil {
			return err
		}
		if e != nil {
			err = e.Stop()
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
	}
	return nil
}
