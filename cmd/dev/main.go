// Command devstack runs orderflow on this machine: it installs the tools, builds, starts the emulator, deploys, makes
// users and shows logs. The Makefile's targets are thin names for its commands.
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := root().ExecuteContext(ctx)
	var exit exitCode
	switch {
	case errors.As(err, &exit):
		os.Exit(int(exit))
	case err != nil:
		fmt.Fprintln(printable.Writer(os.Stderr), "devstack:", err)
		os.Exit(1)
	}
}

// exitCode is the error that ends this process with the code of another, without a message of its own.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "devstack",
		Short:         "Run orderflow on this machine, with no AWS account and no containers",
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			cmd.Root().SetOut(printable.Writer(cmd.OutOrStdout())) // logs and orders hold what somebody sent
		},
	}
	cmd.AddCommand(setup(), build(), reproduce(), billOfMaterials(), deployment(), up(), down(), status(), showDemo(), showOutage(), traceUI(), token(), collection(), logs(), writeTemplate(), execute())
	return cmd
}

// report prints progress to standard error: standard output is for results.
func report() *devstack.Reporter { return devstack.NewReporter(os.Stderr) }
