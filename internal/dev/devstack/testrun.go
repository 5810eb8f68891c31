package devstack

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// testRuns is the subdirectory of .local/ with a directory for each run of Exec.
const testRuns = "test"

// Exec runs a program with an empty emulator, whose URL is in ORDERFLOW_TEST_ENDPOINT, with the AWS
// variables set to match. It returns the program's exit code. When ctx ends, the program gets a
// SIGTERM, and the emulator ends after it.
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
	var e *Emulator
	err = rep.Do("start an emulator for this run", func() (err error) {
		e, err = StartEmulator(ctx, EmulatorOptions{Repo: repo, Dir: dir, Report: rep})
		return err
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Stop()) }()

	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = environ("ORDERFLOW_TEST_ENDPOINT="+e.URL, "AWS_ENDPOINT_URL="+e.URL, "AWS_REGION="+Region,
		"AWS_DEFAULT_REGION="+Region, "AWS_ACCESS_KEY_ID="+AccessKey, "AWS_SECRET_ACCESS_KEY="+SecretKey,
		"AWS_SESSION_TOKEN=", "AWS_PROFILE=", "AWS_EC2_METADATA_DISABLED=true")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
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
