// Command dev is for developing orderflow and running it on one machine. `go run ./cmd/dev help`
// lists its subcommands; the Makefile has short names for the daily ones.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
	"orderflow/internal/platform/printable"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
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

// exitCode ends this process with that code; the message has already been printed.
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
	group := func(id, title string, commands ...*cobra.Command) {
		cmd.AddGroup(&cobra.Group{ID: id, Title: title})
		for _, c := range commands {
			c.GroupID = id
			cmd.AddCommand(c)
		}
	}
	group("stack", "The local stack, without an AWS account or containers:",
		up(), down(), status(), showDemo(), showOutage(), token(), logs(), collection(), execute())
	group("prove", "Proofs and measurements:",
		simulate(), search(), makeChaos(), faultDemo(), testAll(), localStack(), oracleTests(), samCLI(), samLocal(),
		conform(), grants(), benchStart(), cover(), reproduce())
	group("check", "Checks that run nothing:", contractCheck(), checkInfra())
	group("release", "Build and deploy:", setup(), build(), billOfMaterials(), deployment(), generate())
	collect := collectTraces()
	collect.Hidden = true // a process of the local stack
	cmd.AddCommand(collect)
	return cmd
}

// report prints progress to standard error: standard output is for results.
func report() *devstack.Reporter { return devstack.NewReporter(os.Stderr) }
