// Command dev is for developing orderflow and running it on one machine. `go run ./cmd/dev help`
// lists its subcommands; the Makefile has short names for the daily ones.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/printable"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := root().ExecuteContext(ctx)
	var exit exitCode
	switch {
	case errors.As(err, &exit):
		os.Exit(int(exit))
	case err != nil:
		fmt.Fprintln(printable.Writer(os.Stderr), "dev:", err)
		os.Exit(1)
	}
}

// exitCode is an error that sets the exit code; the message has already been printed.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "dev",
		Short:         "Run orderflow on this machine, prove it, and deploy it",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			cmd.Root().SetOut(printable.Writer(cmd.OutOrStdout())) // logs and orders hold untrusted text
		},
	}
	group := func(id, title string, commands []*cobra.Command) {
		cmd.AddGroup(&cobra.Group{ID: id, Title: title})
		for _, c := range commands {
			c.GroupID = id
			if c.Args == nil {
				c.Args = cobra.NoArgs
			}
			cmd.AddCommand(c)
		}
	}
	group("stack", "The local stack, without an AWS account or containers:", stackCommands())
	group("prove", "Proofs and measurements:", proofs())
	group("check", "Checks that run nothing:", checks())
	group("release", "Build and deploy:", releases())
	cmd.AddCommand(collect(), pollEventSources())
	return cmd
}

// flags adds flags to a command.
func flags(cmd *cobra.Command, declare func(cmd *cobra.Command)) *cobra.Command {
	declare(cmd)
	return cmd
}

// report prints progress to standard error: standard output is for results.
func report() *devstack.Reporter { return devstack.NewReporter(os.Stderr) }

// run is the function of a subcommand.
type run = func(cmd *cobra.Command, args []string) error

// inRepo runs do with the repository of the working directory.
func inRepo(do func(ctx context.Context, out io.Writer, repo devstack.Repo) error) run {
	return func(cmd *cobra.Command, _ []string) error {
		repo, err := devstack.FindRepo()
		if err != nil {
			return err
		}
		return do(cmd.Context(), cmd.OutOrStdout(), repo)
	}
}

// onStack runs do with the running stack.
func onStack(do func(ctx context.Context, out io.Writer, s *devstack.Stack) error) run {
	return func(cmd *cobra.Command, _ []string) error {
		stack, err := devstack.Load(cmd.Context(), "")
		if err != nil {
			return err
		}
		return do(cmd.Context(), cmd.OutOrStdout(), stack)
	}
}

// compute runs a long computation that has nothing to clean up: it is abandoned when ctx ends. It
// reports at an interval how long it has run.
func compute(
	ctx context.Context, r *devstack.Reporter, name string, interval time.Duration, do func() (ok bool, err error),
) error {
	ended := make(chan error, 1)
	go func() { ended <- verdict(do()) }()
	began, tick := time.Now(), time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
			r.Printf("  … %s, %s so far\n", name, devstack.Seconds(time.Since(began)))
		}
	}
}

// inDirectory runs a suite within a time in a new directory, which is kept if the suite fails.
func inDirectory(
	ctx context.Context, repo devstack.Repo, name string, limit time.Duration,
	run func(ctx context.Context, dir string) error,
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s did not end within %s", name, limit))
	defer cancel()
	dir, err := repo.NewRun(name)
	if err != nil {
		return err
	}
	if err := run(ctx, dir); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(err, context.Cause(ctx)) // a process only says that it was interrupted
		}
		return fmt.Errorf("%w (its files are in %s)", err, dir)
	}
	return os.RemoveAll(dir)
}

// inEmulator runs a command with a bare emulator of its own, and fails with its exit code.
func inEmulator(ctx context.Context, repo devstack.Repo, command []string) error {
	code, err := devstack.Exec(ctx, repo, report(), command)
	if err == nil && code != 0 {
		return exitCode(code)
	}
	return err
}

// inherit runs a program in the repository with this process's stdin, stdout and stderr.
func inherit(ctx context.Context, repo devstack.Repo, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = string(repo), os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "GOFLAGS="+devstack.GoFlags)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
