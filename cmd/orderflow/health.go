package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/repair"
)

func health(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Show the health of every service (operators)",
		Long: `Show each service with its dependencies: pass, warn (degraded, but ready) or fail, with a code and
the duration of the check. Results are cached for five seconds. With a stack file also the event
sources of consumers and relays: whether each is switched on, what Lambda last failed with, and how
many messages wait. A source that the parameter EventsBy switches off, as the stack file has it, is
no failure. Exits with 1 if anything fails; docs/runbooks/readiness.md says what to do.
Operators only.`,
		Example: "  orderflow health\n  orderflow health -o json",
		Args:    exactly(),
		RunE: a.withAPI(operator, func(cmd *cobra.Command, _ []string, c *client.Client) error {
			h, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			all := struct {
				client.Health
				Sources []repair.Source `json:"sources,omitempty"`
			}{Health: h, Sources: a.sources(cmd)}
			if err := a.print(cmd, all, func(w io.Writer) { showHealth(w, h) }); err != nil {
				return err
			}
			if a.output == "table" && all.Sources != nil {
				fmt.Fprintln(cmd.OutOrStdout())
				err = a.print(cmd, all, func(w io.Writer) { showSources(w, all.Sources) })
			}
			off := slices.ContainsFunc(all.Sources, func(s repair.Source) bool { return !s.Works() })
			switch {
			case h.Status == "fail":
				err = errors.New("not ready; docs/runbooks/readiness.md says what to do")
			case off:
				err = errors.New("an event source does not work; docs/runbooks/queue-age.md says what to do")
			}
			return err
		}),
	}
}

// sources reads the event sources, if there is a stack file. If they cannot be read, the command
// still succeeds, since the services' health is shown.
func (a *app) sources(cmd *cobra.Command) []repair.Source {
	s, err := a.site(cmd.Context())
	if err != nil {
		return nil
	}
	all, err := s.sources().List(cmd.Context())
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "cannot read the event sources:", err)
	}
	return all
}

func showSources(w io.Writer, all []repair.Source) {
	row(w, "FUNCTION", "SOURCE", "WAITING", "PROBLEM")
	for _, s := range all {
		row(w, s.Function, s.State, s.Waiting, cmp.Or(s.Meant, s.Problem, "-"))
	}
}

func showHealth(w io.Writer, h client.Health) {
	row(w, "SERVICE", "PART", "STATUS", "CODE", "MS")
	for _, s := range h.Services {
		if s.Code != "" {
			row(w, s.ServiceID, "(no answer)", s.Status, s.Code, s.TookMs)
		}
		for _, c := range s.Checks {
			row(w, s.ServiceID, c.Name, c.Status, cmp.Or(c.Code, "-"), c.TookMs)
		}
	}
}
