package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/devstack"
	"orderflow/internal/verify/chaos"
	"orderflow/internal/verify/conformance"
	"orderflow/internal/verify/contracts"
	"orderflow/internal/verify/e2e"
	"orderflow/internal/verify/faults"
	"orderflow/internal/verify/iam"
	"orderflow/internal/verify/interleave"
	"orderflow/internal/verify/movements"
	"orderflow/internal/verify/oracle"
	"orderflow/internal/verify/projection"
	"orderflow/internal/verify/prove"
	"orderflow/internal/verify/sam"
	"orderflow/internal/verify/samlocal"
	"orderflow/internal/verify/sim"
	"orderflow/internal/verify/suites"
	"orderflow/internal/verify/twoshops"
)

// often is how often a long computation reports that it goes on.
const often = 10 * time.Second

func proofs() []*cobra.Command {
	var all suites.Options
	var limit uint
	var mutants bool
	var running bool
	return []*cobra.Command{tests(), simulate(), flags(&cobra.Command{
		Use:     "prove",
		Short:   "Search all runs of sagas, requests between shops, stock movements and reports for violations",
		Example: "  go run ./cmd/dev prove --faults 2\n  go run ./cmd/dev prove --mutants",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			// Use cases would log millions of lines.
			slog.SetDefault(slog.New(slog.DiscardHandler))
			//nolint:contextcheck // compute abandons it
			return compute(ctx, report(), "searching", often, func() (bool, error) {
				if mutants {
					all := slices.Concat(twoshops.Defects(), movements.Defects(), projection.Defects())
					return interleave.Hunt(out, all), nil
				}
				ok, err := prove.Search(out, repo.Path("statemachines"), limit)
				for _, search := range []func(io.Writer) bool{twoshops.Prove, movements.Prove, projection.Prove} {
					ok = search(out) && ok
				}
				return ok, err
			})
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().UintVar(&limit, "faults", 2, "maximum faults in a run of a saga; three need more than 10 GB")
		cmd.Flags().BoolVar(&mutants, "mutants", false,
			"apply every mutant of the searches in turn, and fail if one is not detected")
	}), makeChaos(), {
		Use:     "faults",
		Short:   "Make the payment provider fail in every way, and show how its callers react",
		Example: "  go run ./cmd/dev faults",
		RunE: func(cmd *cobra.Command, _ []string) error {
			slog.SetDefault(slog.New(slog.DiscardHandler)) // circuits log their changes
			return faults.Demonstrate(cmd.Context(), cmd.OutOrStdout())
		},
	}, flags(&cobra.Command{
		Use:     "test-all",
		Short:   "Run every suite on every target available on this machine, and count what passed",
		Example: "  go run ./cmd/dev test-all --only lint,sam --within 25m",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return suites.Run(cmd.Context(), cmd.OutOrStdout(), all)
		},
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringSliceVar(&all.Only, "only", nil,
			"run only these `suites`, separated by commas: "+strings.Join(suites.Names(), ", "))
		cmd.Flags().BoolVar(&all.Strict, "strict", false, "fail if a suite does not run")
		cmd.Flags().DurationVar(&all.Within, "within", 0,
			"skip suites that would probably not finish in this `time`, such as 25m")
	}), {
		Use:     "localstack",
		Short:   "Run the end-to-end tests against LocalStack",
		Example: "  go run ./cmd/dev localstack",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.LocalStack, false); err != nil {
				return err
			}
			python := repo.Path(".tools", "localstack", "bin", "python")
			if err := inherit(ctx, repo, python, "-B", ".ci/localstack/test_process_executor.py"); err != nil {
				return err
			}
			_, err := e2e.RunOn(ctx, devstack.LocalStack)
			return err
		}),
	}, oneProcess(), {
		Use:     "oracle [-- FLAG...]",
		Short:   "Run the tests of the DynamoDB stores against DynamoDB Local (needs Java and Maven)",
		Long:    "Run the tests of the DynamoDB stores against DynamoDB Local. Flags are passed on to `go test`.",
		Example: "  go run ./cmd/dev oracle -- -run TestStore -v",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := oracle.Run(cmd.Context(), args)
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				return exitCode(1) // go test has printed the reason
			}
			return err
		},
	}, {
		Use:   "brokers [-- FLAG...]",
		Short: "Run the tests that need real brokers, Kafka and RabbitMQ",
		Long: `Install Kafka (needs Java and Maven) and RabbitMQ (needs Debian or Ubuntu) into .tools/, and run
the tests of test/brokers. Flags are passed on to ` + "`go test`.",
		Example: "  go run ./cmd/dev brokers -- -run TestKafka -v",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
				if _, _, err := repo.SetupBrokers(ctx, report()); err != nil {
					return err
				}
				if err := os.Setenv(brokers.Wanted, "yes"); err != nil {
					return err
				}
				flags := append([]string{"test", "-count=1", "-timeout", "20m", "-p", "1"}, args...)
				return inherit(ctx, repo, "go", append(flags, "./test/brokers/...")...)
			})(cmd, args)
		},
	}, {
		Use:     "sam",
		Short:   "Run `sam build`, `sam deploy` and `sam delete` against an emulator, and check the results",
		Example: "  go run ./cmd/dev sam",
		RunE:    func(cmd *cobra.Command, _ []string) error { return sam.Run(cmd.Context()) },
	}, samLocal(), conform(), flags(&cobra.Command{
		Use:   "iam",
		Short: "Run the end-to-end tests, and show the grants of every role and their use",
		Long: `Run the end-to-end tests, and show the grants of every role and their use. With --running,
compare the grants of services with stacks of their own with their calls in the running stack, since
` + "`make up BROKERS=yes`" + `.`,
		Example: "  go run ./cmd/dev iam",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			if running {
				return ownGrants(ctx, out, repo)
			}
			table := repo.Path(".build", "iam.txt")
			if err := os.Remove(table); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			failed := inherit(ctx, repo, "go", "test", "-count=1", "-timeout", "15m", "./test/e2e")
			text, err := os.ReadFile(table)
			fmt.Fprint(out, string(text))
			return errors.Join(failed, err)
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().BoolVar(&running, "running", false, "of the running stack, its services with stacks of their own")
	}), benchmarks(), {
		Use:     "cover",
		Example: "  go run ./cmd/dev cover",
		Short:   "Report the test coverage of the platform and the services",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			const profile = ".build/cover.out"
			args := []string{"go", "test", "-coverprofile=" + profile, "-coverpkg=./internal/...",
				"./internal/platform/...", "./internal/ops/...", "./internal/verify/faults", "./api/..."}
			services, err := filepath.Glob(repo.Path("deploy", "*.yaml"))
			if err != nil {
				return err
			}
			for _, file := range services {
				args = append(args, "./internal/"+strings.TrimSuffix(filepath.Base(file), ".yaml")+"/...")
			}
			if err := inEmulator(ctx, repo, args); err != nil {
				return err
			}
			return inherit(ctx, repo, "go", "tool", "cover", "-func="+profile)
		}),
	}, {
		Use:   "reproduce",
		Short: "Build every function twice, in two directories, and compare the packages",
		Long: `Build every function for both architectures here, and again from a copy of the sources in another
directory with an empty build cache. Print the SHA-256 of each package, and fail if one differs. It takes a few
minutes.`,
		Example: "  go run ./cmd/dev reproduce",
		RunE:    inRepo(reproduce),
	}}
}

func checks() []*cobra.Command {
	return []*cobra.Command{{
		Use:     "contracts",
		Short:   "Compare the API, protobuf, the events and the steps with those of the last tag v*",
		Example: "  go run ./cmd/dev contracts",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			if err := repo.SetupGo(ctx, report(), "oasdiff"); err != nil {
				return err
			}
			buf, err := repo.SetupBuf(ctx, report())
			if err != nil {
				return err
			}
			tools := contracts.Tools{OASDiff: repo.Path(".tools", "bin", "oasdiff"), Buf: buf}
			return contracts.Check(ctx, out, string(repo), tools)
		}),
	}, {
		Use:     "check-infra",
		Short:   "Check the templates, as SAM transforms them, with checkov (takes a minute)",
		Example: "  go run ./cmd/dev check-infra",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.MiniStack, false); err != nil {
				return err
			}
			if err := repo.SetupPython(ctx, report(), "checkov"); err != nil {
				return err
			}
			return inherit(ctx, repo, "tools/infra.sh")
		}),
	}}
}

func simulate() *cobra.Command {
	var o sim.Options
	var seeds int
	var first, seed uint64
	var mutants bool
	var mutant, order string
	return flags(&cobra.Command{
		Use:   "sim",
		Short: "Simulate 24,000 orders under injected faults",
		Long: `Run the whole system in one process under faults, seed by seed. Fail if an invariant is
violated or a path is never reached. A seed always gives the same run: --seed replays one and prints its
timeline.`,
		Example: "  go run ./cmd/dev sim --seed 7 --order 01KAQ5M3Z8V7D2X4C6B9N1T0RW\n  go run ./cmd/dev sim --mutants",
		RunE: inRepo(func(ctx context.Context, out io.Writer, repo devstack.Repo) error {
			slog.SetDefault(slog.New(slog.DiscardHandler)) // functions log thousands of lines a second
			debug.SetGCPercent(1600)                       // worlds are small and short-lived: memory for time
			//nolint:contextcheck // compute abandons it
			return compute(ctx, report(), "simulating", often, func() (bool, error) {
				switch {
				case mutants:
					return sim.HuntMutants(string(repo), seeds, o, out)
				case seed != 0:
					return sim.Replay(string(repo), seed, order, mutant, o, out)
				}
				return sim.Campaign(string(repo), first, seeds, o, out)
			})
		}),
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.IntVar(&seeds, "seeds", 480, "number of seeds to run")
		f.Uint64Var(&first, "first", 1, "the first seed")
		f.Uint64Var(&seed, "seed", 0, "run this one seed and print its timeline")
		f.StringVar(&mutant, "mutant", "", "with --seed: apply the mutant whose name contains this")
		f.StringVar(&order, "order", "", "with --seed: print only the lines of this order")
		f.IntVar(&o.Orders, "orders", 50, "orders a seed")
		f.DurationVar(&o.Duration, "duration", 25*time.Minute,
			"virtual time in which faults strike; orders are placed in its first half")
		f.BoolVar(&o.Brokers, "brokers", false,
			"with reporting and the warehouse, and the faults of Kafka and RabbitMQ")
		f.BoolVar(&o.OneProcess, "one-process", false,
			"execute the state machines in two processes that take turns and die, instead of Step Functions")
		f.BoolVar(&mutants, "mutants", false,
			"apply every mutant in turn, and fail if one is not detected")
	})
}

func makeChaos() *cobra.Command {
	o := chaos.Options{Out: os.Stdout}
	return flags(&cobra.Command{
		Use:     "chaos",
		Short:   "Place 320 orders on a stack of its own while processes are killed and executions stopped",
		Example: "  go run ./cmd/dev chaos --seed 424242\n  go run ./cmd/dev chaos --serve --orders 300 --kills 50",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			if o.Seed == 0 {
				o.Seed = rand.Uint64N(1_000_000) + 1 // short enough to type
			}
			return inDirectory(ctx, repo, "chaos", 8*time.Minute, func(ctx context.Context, dir string) error {
				o.Dir = filepath.Join(dir, "stack")
				return chaos.Run(ctx, o)
			})
		}),
	}, func(cmd *cobra.Command) {
		f := cmd.Flags()
		f.Uint64Var(&o.Seed, "seed", 0, "seed of the random choices; 0: a new one")
		f.IntVar(&o.Orders, "orders", 320, "orders to place; the number of faults is proportional")
		f.BoolVar(&o.Brokers, "brokers", false, "also run Kafka and RabbitMQ, and kill them")
		f.BoolVar(&o.Serve, "serve", false, "kill the core as one process with tables (cmd/serve) instead of functions")
		f.IntVar(&o.Kills, "kills", 50, "with --serve, how often the process is killed")
	})
}

func samLocal() *cobra.Command {
	var limit time.Duration
	return flags(&cobra.Command{
		Use:     "sam-local",
		Short:   "Run every function and the API in containers, as the SAM CLI does",
		Example: "  go run ./cmd/dev sam-local --limit 40m",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			if err := repo.Setup(ctx, report(), devstack.MiniStack, false); err != nil {
				return err
			}
			return inDirectory(ctx, repo, "samlocal", limit, func(ctx context.Context, dir string) error {
				return samlocal.Run(ctx, samlocal.Options{Repo: repo, Dir: dir, Out: os.Stdout})
			})
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().DurationVar(&limit, "limit", 20*time.Minute,
			"`time` for everything: engine, stack, builds and tests")
	})
}

func conform() *cobra.Command {
	o := conformance.Options{Out: os.Stdout}
	var limit time.Duration
	return flags(&cobra.Command{
		Use:     "conformance",
		Short:   "Send requests that schemathesis generates from the API's contract, as an operator and as a customer",
		Example: "  go run ./cmd/dev conformance --running --examples 20",
		RunE: inRepo(func(ctx context.Context, _ io.Writer, repo devstack.Repo) error {
			return inDirectory(ctx, repo, "conformance", limit, func(ctx context.Context, dir string) error {
				o.Repo, o.Dir = repo, dir
				return conformance.Run(ctx, o)
			})
		}),
	}, func(cmd *cobra.Command) {
		cmd.Flags().IntVar(&o.Examples, "examples", 4,
			"random requests per operation, besides the edge cases of its schemas")
		cmd.Flags().BoolVar(&o.Running, "running", false, "use the running stack, and leave it running")
		cmd.Flags().BoolVar(&o.OneProcess, "one-process", false, "use the core as one process (cmd/serve)")
		cmd.MarkFlagsMutuallyExclusive("running", "one-process")
		cmd.Flags().DurationVar(&limit, "limit", 8*time.Minute,
			"`time` for everything: the stack, its build, and both callers")
	})
}

// ownGrants compares the grants of services with stacks of their own with their calls so far.
func ownGrants(ctx context.Context, out io.Writer, repo devstack.Repo) error {
	stack, err := devstack.Load(ctx, "")
	if err != nil {
		return err
	}
	parameters, err := stack.StackParameters(ctx)
	if err != nil {
		return err
	}
	spans, err := os.Open(filepath.Join(stack.Dir(), "traces.jsonl"))
	if err != nil {
		return err
	}
	defer func() { _ = spans.Close() }()
	table, err := iam.CheckOwn(string(repo), spans, parameters)
	if err != nil {
		return err
	}
	if err := table.Write(out); err != nil || len(table.Problems) == 0 {
		return err
	}
	return exitCode(1)
}

func reproduce(ctx context.Context, out io.Writer, repo devstack.Repo) (err error) {
	functions, err := repo.Functions()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "orderflow-again-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sources := filepath.Join(dir, "sources")
	if err := os.Mkdir(sources, 0o755); err != nil {
		return err
	}
	again, err := repo.CopyTo(ctx, sources)
	if err != nil {
		return err
	}
	same, all := 0, 0
	for _, architecture := range []string{"arm64", "x86_64"} {
		first, err := repo.Sums(ctx, report(), architecture, functions)
		if err != nil {
			return err
		}
		second, err := again.Sums(ctx, report(), architecture, functions, "GOCACHE="+filepath.Join(dir, "cache"))
		if err != nil {
			return err
		}
		for _, f := range functions {
			differs := ""
			if first[f.Name] != second[f.Name] {
				differs = " DIFFERS: " + second[f.Name]
				same--
			}
			same, all = same+1, all+1
			fmt.Fprintf(out, "%s  %s/%s.zip%s\n", first[f.Name], architecture, f.Name, differs)
		}
	}
	fmt.Fprintf(out, "%d of %d packages are the same\n", same, all)
	if same != all {
		return errors.New("builds are not reproducible")
	}
	return nil
}

// verdict returns exit code 1 if a check failed; the details have already been printed.
func verdict(ok bool, err error) error {
	if err == nil && !ok {
		return exitCode(1)
	}
	return err
}

func oneProcess() *cobra.Command {
	var store string
	return flags(&cobra.Command{
		Use:   "one-process",
		Short: "Run the end-to-end tests against the core as one process (cmd/serve)",
		Example: "  go run ./cmd/dev one-process\n" +
			"  go run ./cmd/dev one-process --store dynamodb",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			targets := map[string]devstack.Target{"memory": devstack.OneProcess, "dynamodb": e2e.OneProcessTables}
			if targets[store] == "" {
				return fmt.Errorf("--store is memory or dynamodb, not %q", store)
			}
			_, err := e2e.RunOn(cmd.Context(), targets[store])
			return err
		},
	}, func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&store, "store", "memory", "`store` of the process: memory, or dynamodb on an emulator")
	})
}
