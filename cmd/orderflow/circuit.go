package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/resilience"
)

func circuit(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:   "circuit",
		Short: "Show which services are cut off since they fail, and let calls through again",
		Long: `Show which services are cut off since they fail, and let calls through again. While a circuit is OPEN nobody calls the service
behind it, and sagas wait; now and then one harmless call is let through (HALF_OPEN), and closes it if the service answers. So nothing
needs to be done in most cases.

` + stackFileHelp,
		Example: "  orderflow circuit list\n  orderflow circuit show payment-provider\n  orderflow circuit reset payment-provider --reason \"they are back, INC-4711\"",
	}, listCircuits(a), showCircuit(a), resetCircuit(a))
}

func (b site) circuits() repair.Circuits {
	c := clock.System{}
	return repair.Circuits{
		Log:   func(service string) resilience.CircuitLog { return ddb.Open(b.cfg, b.stack+"-"+service, c) },
		Clock: c, IDs: ids.Random(c),
	}
}

func listCircuits(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the circuits of all services", Example: "  orderflow circuit list", Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := a.site(cmd.Context())
			if err != nil {
				return err
			}
			all, err := b.circuits().List(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(cmd, all, func(w io.Writer) {
				row(w, "DEPENDENCY", "OF", "STATE", "SINCE", "RETRY AT", "OPENED", "FAILURES")
				for _, c := range all {
					row(w, c.Dependency, c.Service, c.State, when(c.Since), when(c.RetryAt), fmt.Sprint(c.Openings, "×"), c.Failures)
				}
			})
		},
	}
}

func showCircuit(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show DEPENDENCY", Short: "Show one circuit, and what operators did to it", Example: "  orderflow circuit show payment-provider", Args: exactly("DEPENDENCY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.site(cmd.Context())
			if err != nil {
				return err
			}
			c, err := b.circuits().Find(cmd.Context(), args[0])
			if err != nil {
				return unknownCircuit(err)
			}
			actions, err := b.audit().Actions(cmd.Context(), c.Dependency)
			if err != nil {
				return err
			}
			shown := struct {
				repair.Circuit
				Actions []repair.Action `json:"actions"`
			}{c, actions}
			return a.print(cmd, shown, func(w io.Writer) {
				row(w, "dependency", c.Dependency+", called by "+c.Service)
				row(w, "state", c.State)
				row(w, "since", when(c.Since))
				row(w, "retry at", when(c.RetryAt))
				row(w, "opened", fmt.Sprint(c.Openings, "×"))
				row(w, "failures", fmt.Sprint(c.Failures, " calls of late"))
				if len(actions) > 0 {
					showActions(w, actions)
				}
			})
		},
	}
}

func resetCircuit(a *app) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "reset DEPENDENCY --reason WHY",
		Short: "Close a circuit, so that all calls go through at once (operators)",
		Long: `Close a circuit, so that all calls go through at once and not only when the next probe succeeds, which takes 15 seconds at most. If
the service behind it is not back, the circuit opens again after three calls. Who did this and why is kept in the audit.

` + stackFileHelp,
		Example: `  orderflow circuit reset payment-provider --reason "they are back, INC-4711"`,
		Args:    exactly("DEPENDENCY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			b, err := a.site(ctx)
			if err != nil {
				return err
			}
			action, err := b.action(ctx, why, "circuit reset")
			if err != nil {
				return err
			}
			found, err := b.circuits().Find(ctx, args[0])
			if err != nil {
				return unknownCircuit(err)
			}
			action.Subject, action.Detail = found.Dependency, fmt.Sprintf("it was %s, and has opened %d times", found.State, found.Openings)
			err = b.audit().Do(ctx, action, func(ctx context.Context) error { return b.circuits().Reset(ctx, found.Dependency) })
			if errors.Is(err, resilience.ErrClosed) {
				return fmt.Errorf("the circuit of %s is closed: there is nothing to reset", found.Dependency)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is called again\n`orderflow circuit show %s` tells whether it answers\n", found.Dependency, found.Dependency)
			return nil
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why; it is written down with who you are")
	return cmd
}

func unknownCircuit(err error) error {
	if errors.Is(err, repair.ErrNoCircuit) {
		return usage("%w; `orderflow circuit list` shows which there are", err)
	}
	return err
}

// when is a time that may be none.
func when(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}
