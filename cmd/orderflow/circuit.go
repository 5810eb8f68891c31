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
		Short: "Show and reset the circuit breakers of all dependencies",
		Long: `Show and reset circuit breakers. While a circuit is OPEN its dependency is not called, and sagas
wait. From time to time one harmless call is let through (HALF_OPEN); the circuit closes if it succeeds.
Usually there is nothing to do.

` + stackFileHelp,
		Example: `  orderflow circuit list
  orderflow circuit show payment-provider
  orderflow circuit reset payment-provider --reason "they are back, INC-4711"`,
	}, listCircuits(a), showCircuit(a), resetCircuit(a))
}

func (s site) circuits() repair.Circuits {
	c := clock.System{}
	log := func(service string) resilience.CircuitLog { return ddb.Open(s.cfg, s.stack+"-"+service, c) }
	if s.inProcess() {
		log = func(service string) resilience.CircuitLog {
			return repair.ProcessCircuits{Process: s.process(), Service: service}
		}
	}
	return repair.Circuits{Log: log, Clock: c, IDs: ids.Random(c)}
}

func listCircuits(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List all circuits",
		Long: `List all circuits: their state, and how often each opened in the last hour, even if it is closed now.
The latest 64 openings are kept.

` + stackFileHelp,
		Example: "  orderflow circuit list", Args: exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			all, err := s.circuits().List(cmd.Context())
			if err != nil {
				return err
			}
			return a.print(cmd, all, func(w io.Writer) {
				row(w, "DEPENDENCY", "OF", "STATE", "SINCE", "RETRY AT", "FAILURES", "OPENED IN 1 H", "LAST OPENED")
				for _, c := range all {
					row(w, c.Dependency, c.Service, c.State, timeOrDash(c.Since), timeOrDash(c.RetryAt), c.Failures,
						fmt.Sprint(c.OpenedLastHour, "×"), timeOrDash(c.LastOpened))
				}
			})
		}),
	}
}

func showCircuit(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "show DEPENDENCY",
		Short:   "Show one circuit and what operators did to it",
		Example: "  orderflow circuit show payment-provider",
		Args:    exactly("DEPENDENCY"),
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			c, err := s.circuits().Find(cmd.Context(), args[0])
			if err != nil {
				return unknownCircuit(err)
			}
			actions, err := s.audit().Actions(cmd.Context(), c.Dependency)
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
				row(w, "since", timeOrDash(c.Since))
				row(w, "retry at", timeOrDash(c.RetryAt))
				row(w, "opened", fmt.Sprint(c.Openings, "× since it was closed"))
				row(w, "last hour", fmt.Sprint(c.OpenedLastHour, "×"))
				row(w, "last opened", timeOrDash(c.LastOpened))
				row(w, "failures", fmt.Sprint(c.Failures, " recent calls"))
				if len(actions) > 0 {
					showActions(w, actions)
				}
			})
		}),
	}
}

func resetCircuit(a *app) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "reset DEPENDENCY --reason WHY",
		Short: "Close a circuit at once (operators)",
		Long: `Close a circuit at once, instead of waiting up to 15 seconds for the next probe. If the dependency
still fails, the circuit opens again after three calls. The audit log records who did this and why.

` + stackFileHelp,
		Example: `  orderflow circuit reset payment-provider --reason "they are back, INC-4711"`,
		Args:    exactly("DEPENDENCY"),
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			ctx := cmd.Context()
			action, err := s.action(ctx, why, "circuit reset")
			if err != nil {
				return err
			}
			found, err := s.circuits().Find(ctx, args[0])
			if err != nil {
				return unknownCircuit(err)
			}
			action.Subject = found.Dependency
			action.Detail = fmt.Sprintf("it was %s, and has opened %d times", found.State, found.Openings)
			err = s.audit().Do(ctx, action, func(ctx context.Context) error {
				return s.circuits().Reset(ctx, found.Dependency)
			})
			if errors.Is(err, resilience.ErrClosed) {
				return fmt.Errorf("the circuit of %s is closed: nothing to reset", found.Dependency)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "closed the circuit of %[1]s\n"+
				"`orderflow circuit show %[1]s` shows whether calls succeed\n", found.Dependency)
			return nil
		}),
	}
	reasonFlag(cmd, &why)
	return cmd
}

func unknownCircuit(err error) error {
	if errors.Is(err, repair.ErrNoCircuit) {
		return usage("%w; `orderflow circuit list` lists them", err)
	}
	return err
}

func timeOrDash(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.RFC3339)
}
