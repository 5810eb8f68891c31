package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orderflow/internal/platform/printable"
)

// app is what the commands share: the global flags and the environment.
type app struct {
	apiURL, reportsURL, token, user, role, stackFile, output string

	getenv func(string) string
	// localToken signs in a user of the local stack; dir holds its stack.json.
	localToken func(ctx context.Context, dir, user, role string) (string, error)
}

func newRoot(a *app) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "orderflow",
		Short: "Place and follow orders, show their sagas, maintain products and stock, repair failures",
		Long: `Place and follow orders, show their sagas, maintain products and stock, repair failures.

With a local stack ("make up") nothing needs to be configured: its address is read from
.local/stack.json in this directory or the nearest one above, and --user and --role select whom to
act as. For any other deployment, give --stack-file and sign in with "orderflow login", or give
--api-url and --token, or set ORDERFLOW_API_URL and ORDERFLOW_TOKEN.

A stack file is read only if it is yours and writable only by you. ORDERFLOW_TOKEN is sent only to
an address given by --api-url, ORDERFLOW_API_URL, --stack-file or ORDERFLOW_STACK_FILE, never to the
address in a stack file found in a directory above.

Exits with 0 on success, 2 on a usage error, 3 if an order that it waited for did not end as
CONFIRMED, 1 on any other failure.`,
		Example: `  orderflow order place --item MUG-BLUE=2 --wait
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow stock set MUG-BLUE 100 --reason "Delivery 4711"`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}, orders(a), saga(a), showTrace(a), logs(a), stock(a), products(a), report(a),
		dlq(a), circuit(a), intake(a), stranglerCommand(a), audit(a), health(a), login(a),
		logout(a), token(a))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see `%s --help`", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.apiURL, "api-url", "",
		"`address` of the API (default: $ORDERFLOW_API_URL, or the local stack's)")
	flags.StringVar(&a.token, "token", "",
		"bearer `token`; prefer $ORDERFLOW_TOKEN, which is not visible in the list of processes")
	flags.StringVar(&a.user, "user", "",
		"`name` of the local stack's user to act as (default: alice, or olga for what operators do)")
	flags.StringVar(&a.role, "role", "", "`group` of that user, such as operator")
	flags.StringVar(&a.stackFile, "stack-file", "",
		"`file` with the deployment's outputs (default: $ORDERFLOW_STACK_FILE, or the nearest .local/stack.json)")
	flags.StringVarP(&a.output, "output", "o", "table", "output `format`: table or json")
	root.MarkFlagsMutuallyExclusive("token", "user")
	root.MarkFlagsMutuallyExclusive("token", "role")
	// It fails only for a flag that does not exist.
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// Stored text may be older than today's validation: do not let it control the terminal.
		root.SetOut(printable.Writer(cmd.OutOrStdout()))
		root.SetErr(printable.Writer(cmd.ErrOrStderr()))
		if !slices.Contains(formats, a.output) {
			return usage("--output must be %s", strings.Join(formats, " or "))
		}
		return nil
	}
	return root
}

var formats = []string{"table", "json"}

// group makes cmd a group of commands, which suggests similar names for an unknown one.
func group(cmd *cobra.Command, commands ...*cobra.Command) *cobra.Command {
	cmd.AddCommand(commands...)
	cmd.Args, cmd.SuggestionsMinimumDistance = cobra.ArbitraryArgs, 2
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		hint := ""
		if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
			hint = "; did you mean " + strings.Join(like, " or ") + "?"
		}
		return usage("%s has no command %q%s; see `%s --help`", cmd.Name(), args[0], hint, cmd.CommandPath())
	}
	return cmd
}

// exactly accepts one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		want := "no argument"
		if len(names) > 0 {
			want = strings.Join(names, " and ")
		}
		return usage("`%[1]s` takes %[2]s; see `%[1]s --help`", cmd.CommandPath(), want)
	}
}
