package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orderflow/internal/platform/printable"
)

// app is what the commands share: the global flags and the world outside.
type app struct {
	apiURL, token, user, role, stackFile, output string

	getenv func(string) string
	// localToken signs a user of the local stack in; dir is where its stack.json is.
	localToken func(ctx context.Context, dir, user, role string) (string, error)
}

func newRoot(a *app) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "orderflow",
		Short: "Place and follow orders, show their sagas, look after stock and products",
		Long: `Place and follow orders, show their sagas, look after stock and products.

With a stack on this machine ("make up") nothing needs to be set: its address is read from .local/stack.json, which is looked for
here and in the directories above, and --user and --role choose as whom to act. For any other deployment give --stack-file and
sign in by "orderflow login", or give --api-url and --token, or set ORDERFLOW_API_URL and ORDERFLOW_TOKEN.

A stack file is read only if it is yours and only you may write it. ORDERFLOW_TOKEN is sent only to an address that you gave by
--api-url, ORDERFLOW_API_URL, --stack-file or ORDERFLOW_STACK_FILE, never to one that was found in a directory above.

It ends with 0 if it did what it was told, 2 if it was told wrongly, 3 if an order that it waited for ended other than
CONFIRMED, 1 if anything else went wrong.`,
		Example: `  orderflow order place --item MUG-BLUE=2 --wait
  orderflow saga show 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow stock set MUG-BLUE 100 --reason "Delivery 4711"`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}, orders(a), saga(a), showTrace(a), stock(a), products(a), dlq(a), circuit(a), audit(a), health(a), login(a), logout(a))
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage("%w; see `%s --help`", err, cmd.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVar(&a.apiURL, "api-url", "", "`address` of the API (default: $ORDERFLOW_API_URL, or that of the local stack)")
	flags.StringVar(&a.token, "token", "", "bearer `token`; $ORDERFLOW_TOKEN does not show in the list of processes")
	flags.StringVar(&a.user, "user", "", "`name` of the local stack's user to act as (default: alice, or olga for what only operators may do)")
	flags.StringVar(&a.role, "role", "", "`group` of that user, such as operator")
	flags.StringVar(&a.stackFile, "stack-file", "", "`file` with the outputs of the deployment (default: $ORDERFLOW_STACK_FILE, or the nearest .local/stack.json)")
	flags.StringVarP(&a.output, "output", "o", "table", "`form` of the answer: table or json")
	root.MarkFlagsMutuallyExclusive("token", "user")
	root.MarkFlagsMutuallyExclusive("token", "role")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		// What is stored may be older than today's rules for text: it does not get to drive the terminal.
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

// group is a command that only has others; called with anything else it says what it has.
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

// exactly wants one argument for each name.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		want := "no argument"
		if len(names) > 0 {
			want = strings.Join(names, " and ")
		}
		return usage("`%s` wants %s; see `%s --help`", cmd.CommandPath(), want, cmd.CommandPath())
	}
}
