package devstack

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// NewRun creates a directory for a run of a program, which may start a stack in its subdirectory
// stack/. It removes the directories and stacks of earlier runs of that name whose process is gone.
func (r Repo) NewRun(name string) (dir string, err error) {
	earlier, err := filepath.Glob(r.Path(".build", name+"-*"))
	if err != nil {
		return "", err
	}
	const owner = "owner.json"
	for _, dir := range earlier {
		var of process
		if found, err := load(filepath.Join(dir, owner), &of); !found || err != nil || of.alive() {
			continue // a directory without an owner is about to get one
		}
		_, err := Down(filepath.Join(dir, "stack"))
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(r.Path(".build"), 0o755); err != nil {
		return "", err
	}
	me, err := identify(os.Getpid())
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(r.Path(".build"), name+"-"); err != nil {
		return "", err
	}
	return dir, save(filepath.Join(dir, owner), me)
}

// Exec runs a program with an empty emulator, whose URL is in ORDERFLOW_TEST_ENDPOINT, with the AWS
// variables set to match. It returns the program's exit code. When ctx ends, the program gets a
// SIGTERM, and the emulator ends after it.
func Exec(ctx context.Context, repo Repo, rep *Reporter, argv []string) (code int, err error) {
	dir, err := repo.NewRun("exec")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir) // after the emulator was stopped
	var e *Emulator
	err = rep.Do("start an emulator for this run", func() (err error) {
		e, err = StartEmulator(ctx, Options{Repo: repo, Dir: filepath.Join(dir, "stack"), Report: rep})
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
