package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/bench"
	"orderflow/internal/verify/chaos"
	"orderflow/internal/verify/conformance"
	"orderflow/internal/verify/e2e"
	"orderflow/internal/verify/oracle"
	"orderflow/internal/verify/sam"
	"orderflow/internal/verify/samlocal"
	"orderflow/internal/verify/suites"
)

func testAll() *cobra.Command {
	var o suites.Options
	cmd := &cobra.Command{
		Use:   "test-all",
		Short: "Run every suite on every target available on this machine, and count what passed",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return suites.Run(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	cmd.Flags().StringSliceVar(&o.Only, "only", nil,
		"run only these `suites`, separated by commas: "+strings.Join(suites.Names(), ", "))
	cmd.Flags().BoolVar(&o.Strict, "strict", false, "fail if a suite does not run")
	cmd.Flags().DurationVar(&o.Within, "within", 0,
		"skip suites that would probably not finish in this `time`, such as 25m")
	return cmd
}

func localStack() *cobra.Command {
	return &cobra.Command{
		Use:   "localstack",
		Short: "Run the end-to-end tests against LocalStack",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.LocalStack, false); err != nil {
				return err
			}
			python := repo.Path(".tools", "localstack", "bin", "python")
			if err := inherit(ctx, repo, python, "-B", ".ci/localstack/test_process_executor.py"); err != nil {
				return err
			}
			return e2e.RunOn(ctx, devstack.LocalStack)
		}),
	}
}

func oracleTests() *cobra.Command {
	return &cobra.Command{
		Use:   "oracle [-- FLAG...]",
		Short: "Run the tests of the DynamoDB stores against DynamoDB Local (needs Java and Maven)",
		Long:  "Run the tests of the DynamoDB stores against DynamoDB Local. Flags are passed on to `go test`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			err := oracle.Run(cmd.Context(), args)
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				return exitCode(1) // go test has printed the reason
			}
			return err
		},
	}
}

func samCLI() *cobra.Command {
	return &cobra.Command{
		Use:   "sam",
		Short: "Run `sam build`, `sam deploy` and `sam delete` against an emulator, and check the results",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.MiniStack, false); err != nil {
				return err
			}
			return sam.Run(ctx)
		}),
	}
}

func samLocal() *cobra.Command {
	var hold bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "sam-local",
		Short: "Run every function and the API in containers, as the SAM CLI does",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.MiniStack, false); err != nil {
				return err
			}
			run := samlocal.Run
			if hold {
				run, limit = samlocal.Hold, 0
			}
			return inDirectory(ctx, repo, "samlocal", limit, func(ctx context.Context, dir string) error {
				return run(ctx, samlocal.Options{Repo: repo, Dir: dir, Out: os.Stdout})
			})
		}),
	}
	cmd.Flags().BoolVar(&hold, "hold", false,
		"run no tests: serve the API, print example commands, and wait for Ctrl-C")
	cmd.Flags().DurationVar(&limit, "limit", 15*time.Minute, "`time` for everything: engine, stack, builds and tests")
	return cmd
}

func conform() *cobra.Command {
	o := conformance.Options{Out: os.Stdout}
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "conformance",
		Short: "Send requests that schemathesis generates from the API's contract, as operator and as customer",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			return inDirectory(ctx, repo, "conformance", limit, func(ctx context.Context, dir string) error {
				o.Repo, o.Dir = repo, dir
				return conformance.Run(ctx, o)
			})
		}),
	}
	cmd.Flags().IntVar(&o.Examples, "examples", 4,
		"random requests per operation, besides the edge cases of its schemas")
	cmd.Flags().BoolVar(&o.Running, "running", false, "use the running stack, and leave it running")
	cmd.Flags().DurationVar(&limit, "limit", 8*time.Minute,
		"`time` for everything: the stack, its build, and both callers")
	return cmd
}

func makeChaos() *cobra.Command {
	o := chaos.Options{Out: os.Stdout, Rest: 150 * time.Second}
	cmd := &cobra.Command{
		Use:   "chaos",
		Short: "Place 320 orders on a stack of its own while processes are killed and executions stopped",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			if o.Seed == 0 {
				o.Seed = rand.Uint64N(1_000_000) + 1 // short enough to type
			}
			return inDirectory(ctx, repo, "chaos", 8*time.Minute, func(ctx context.Context, dir string) error {
				o.Dir = filepath.Join(dir, "stack")
				return chaos.Run(ctx, o)
			})
		}),
	}
	f := cmd.Flags()
	f.Uint64Var(&o.Seed, "seed", 0, "seed of the random choices; 0: a new one")
	f.IntVar(&o.Orders, "orders", 320, "orders to place")
	f.IntVar(&o.Kills, "kills", 60, "processes to kill, at least")
	f.IntVar(&o.Stops, "stops", 15, "executions to stop, at least")
	f.IntVar(&o.Copies, "copies", 100, "events to publish again, at least")
	f.DurationVar(&o.Over, "over", 75*time.Second, "how long faults are injected, at least")
	return cmd
}

func grants() *cobra.Command {
	return &cobra.Command{
		Use:   "iam",
		Short: "Run the end-to-end tests, and show the grants of every role and their use",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			table := repo.Path(".build", "iam.txt")
			if err := os.Remove(table); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			failed := inherit(ctx, repo, "go", "test", "-count=1", "-timeout", "15m", "./test/e2e")
			text, err := os.ReadFile(table)
			fmt.Print(string(text))
			return errors.Join(failed, err)
		}),
	}
}

func benchStart() *cobra.Command {
	var rounds int
	cmd := &cobra.Command{
		Use:   "bench-start",
		Short: "Compare the start time of every function with that of a hello-world function",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return bench.Run(cmd.Context(), cmd.OutOrStdout(), rounds)
		},
	}
	cmd.Flags().IntVar(&rounds, "rounds", 15, "rounds to measure, after warm-up")
	return cmd
}

func cover() *cobra.Command {
	return &cobra.Command{
		Use:   "cover",
		Short: "Report the test coverage of the platform and the services",
		Args:  cobra.NoArgs,
		RunE: inRepo(func(ctx context.Context, repo devstack.Repo) error {
			const profile = ".build/cover.out"
			args := []string{"go", "test", "-coverprofile=" + profile, "-coverpkg=./internal/...",
				"./internal/platform/...", "./internal/ops/...", "./internal/verify/faults", "./api/..."}
			for _, service := range []string{"catalog", "fulfilment", "gateway", "inventory", "notifications", "orders",
				"payments", "shipping"} {
				args = append(args, "./internal/"+service+"/...")
			}
			if err := inEmulator(ctx, repo, args); err != nil {
				return err
			}
			return inherit(ctx, repo, "go", "tool", "cover", "-func="+profile)
		}),
	}
}

// inRepo runs do with the repository of the working directory.
func inRepo(do func(ctx context.Context, repo devstack.Repo) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, _ []string) error {
		repo, err := devstack.FindRepo()
		if err != nil {
			return err
		}
		return do(cmd.Context(), repo)
	}
}

// inDirectory runs a suite in a new directory, which is kept if the suite fails. A limit of 0 means
// no limit.
func inDirectory(
	ctx context.Context, repo devstack.Repo, name string, limit time.Duration,
	run func(ctx context.Context, dir string) error,
) error {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	dir, err := repo.NewRun(name)
	if err != nil {
		return err
	}
	if err := run(ctx, dir); err != nil {
		return fmt.Errorf("%w (its files are in %s)", err, dir)
	}
	return os.RemoveAll(dir)
}

// inEmulator runs a command with a bare emulator of its own, and fails with the command's exit code.
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
