package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"orderflow/internal/dev/devstack"
)

func TestOutputOfCommandsIsEscapedForTheTerminal(t *testing.T) {
	cmd := root()
	cmd.AddCommand(&cobra.Command{Use: "say", Run: func(cmd *cobra.Command, _ []string) {
		fmt.Fprint(cmd.OutOrStdout(), "a line of a log\x1b[31m\u202e\n")
	}})
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs([]string{"say"})
	if err := cmd.Execute(); err != nil || out.String() != "a line of a log\\u001b[31m\\u202e\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestALongComputationIsReportedAndAbandoned(t *testing.T) {
	var said bytes.Buffer
	interrupted := errors.New("interrupted")
	ctx, stop := context.WithCancelCause(t.Context())
	synctest.Test(t, func(t *testing.T) {
		hanging := make(chan struct{})
		time.AfterFunc(25*time.Second, func() { stop(interrupted) })
		err := compute(ctx, devstack.NewReporter(&said), "searching", 10*time.Second, func() (bool, error) {
			<-hanging
			return true, nil
		})
		const want = "  … searching, 10.0 s so far\n  … searching, 20.0 s so far\n"
		if !errors.Is(err, interrupted) || said.String() != want {
			t.Errorf("%v, said %q", err, said.String())
		}
		close(hanging)
	})
	for _, ok := range []bool{true, false} {
		err := compute(t.Context(), nil, "", time.Hour, func() (bool, error) { return ok, nil })
		if (err == nil) != ok {
			t.Errorf("found %t: %v", ok, err)
		}
	}
}

func TestEverySubcommandNamedInTheRepositoryExists(t *testing.T) {
	known := map[string]bool{"help": true}
	for _, c := range root().Commands() {
		known[c.Name()] = true
		if c.Short == "" || c.Example == "" || c.GroupID == "" && !c.Hidden {
			t.Errorf("%s has no group, description or example", c.Name())
		}
	}
	named := regexp.MustCompile(`(?:go run \./cmd/dev|\$\(DEV\)) ([a-z-]+)`)
	grep := exec.CommandContext(t.Context(), "git", "grep", "-hE", `go run \./cmd/dev|\$\(DEV\)`, "--", ":/")
	lines, err := grep.Output()
	if err != nil || len(lines) == 0 {
		t.Fatalf("no file names a subcommand: %v", err)
	}
	for _, m := range named.FindAllStringSubmatch(string(lines), -1) {
		if !known[m[1]] {
			t.Errorf("unknown subcommand %s in: %s", m[1], strings.TrimSpace(m[0]))
		}
	}
}

// TestFlagsStartWithTheirDefaults fails if two commands keep a flag in the same variable: the one
// that is declared later sets its default for both.
func TestFlagsStartWithTheirDefaults(t *testing.T) {
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.String() != f.DefValue {
				t.Errorf("%s --%s starts with %s, its default is %s", cmd.CommandPath(), f.Name, f.Value, f.DefValue)
			}
		})
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(root())
}

func TestAnEmulatorThatDoesNotStartIsAFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := inEmulator(ctx, devstack.Repo(t.TempDir()), []string{"true"})
	var exit exitCode
	if err == nil || errors.As(err, &exit) {
		t.Errorf("%v, want an error other than an exit code, which would end the process silently", err)
	}
}

func TestASuiteThatDoesNotEndInTimeSaysSo(t *testing.T) {
	repo := devstack.Repo(t.TempDir())
	err := inDirectory(t.Context(), repo, "chaos", 10*time.Millisecond, func(ctx context.Context, _ string) error {
		<-ctx.Done()
		return errors.New("signal: interrupt")
	})
	if err == nil || !strings.Contains(err.Error(), "chaos did not end within 10ms") {
		t.Errorf("got %v", err)
	}
}
