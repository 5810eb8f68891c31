package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"orderflow/internal/dev/devstack"
)

func token() *cobra.Command {
	var user, role string
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a bearer token of a user",
		Long: `Print a bearer token of a user, valid for at least ten minutes. The user is created on first use, and
has exactly the requested role afterwards.`,
		Example: "  go run ./cmd/dev token --user alice\n  go run ./cmd/dev token --user olga --role operator",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			token, err := stack.Token(cmd.Context(), user, role)
			if err != nil {
				return err
			}
			fmt.Println(token)
			return nil
		},
	}
	cmd.Flags().StringVar(&user, "user", "alice", "`name` of the user")
	cmd.Flags().StringVar(&role, "role", "",
		"`group` of the user, such as operator (default: none, a customer)")
	return cmd
}

func logs() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:     "logs FUNCTION",
		Short:   "Print what a function has logged",
		Example: "  go run ./cmd/dev logs place-order --follow",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			stack, err := devstack.Load(cmd.Context(), "")
			if err != nil {
				return err
			}
			return stack.Logs(cmd.Context(), cmd.OutOrStdout(), args[0], follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "keep printing new lines")
	return cmd
}

func execute() *cobra.Command {
	return &cobra.Command{
		Use:   "exec -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a bare emulator of its own",
		Long: `Start an empty emulator on a free port, run the command, stop the emulator, and exit with the
command's exit code. The command finds the emulator's URL in ORDERFLOW_TEST_ENDPOINT; AWS_ENDPOINT_URL, AWS_REGION
and the keys are set to match.`,
		Example: "  go run ./cmd/dev exec -- go test ./...",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return inRepo(func(ctx context.Context, repo devstack.Repo) error { return inEmulator(ctx, repo, args) })(cmd, args)
		},
	}
}
