package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/concurrent"
)

func health(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Show the health of every service (operators)",
		Long: `Show each service with its dependencies: pass, warn (degraded, but ready) or fail, with a code and
the duration of the check. Results are cached for five seconds. With a stack file it also shows the
event sources of consumers and relays: whether each is switched on, Lambda's last error, how many
messages wait and how old the oldest is, as CloudWatch last measured it (emulators do not); and since
when events wait in an outbox. A source that the parameter EventsBy switches off, according to the stack
file, is not a failure. Exits with 1 if anything fails or waits for longer than its alarm allows;
docs/runbooks/readiness.md says what to do. Operators only.`,
		Example: "  orderflow health\n  orderflow health -o json",
		Args:    exactly(),
		RunE: a.withAPI(operator, func(cmd *cobra.Command, _ []string, c *client.Client) error {
			h, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			all := shownHealth{Health: h}
			all.Sources, all.Outboxes = a.waiting(cmd)
			return errors.Join(a.print(cmd, all, all.show), all.failure())
		}),
	}
}

// shownHealth is the services' health, with event sources and outboxes.
type shownHealth struct {
	client.Health
	Sources  []repair.Source `json:"sources,omitempty"`
	Outboxes []repair.Outbox `json:"outboxes,omitempty"`
}

// waiting reads the event sources and outboxes, if there is a stack file. If they cannot be read,
// the command still succeeds, since the services' health is shown.
func (a *app) waiting(cmd *cobra.Command) (sources []repair.Source, outboxes []repair.Outbox) {
	s, err := a.site(cmd.Context())
	if err != nil {
		return nil, nil
	}
	var failed [2]error
	_ = concurrent.All(
		func() error { sources, failed[0] = s.sources().List(cmd.Context()); return nil },
		func() error { outboxes, failed[1] = s.outboxes().List(cmd.Context()); return nil },
	)
	for i, what := range []string{"event sources", "outboxes"} {
		if failed[i] != nil {
			fmt.Fprintf(cmd.ErrOrStderr(), "cannot read the %s: %v\n", what, failed[i])
		}
	}
	return sources, outboxes
}

// failure returns the first failure, with its runbook.
func (h shownHealth) failure() error {
	broken := func(s repair.Source) bool { return !s.Works() }
	switch {
	case h.Status == "fail":
		return errors.New("not ready; docs/runbooks/readiness.md says what to do")
	case slices.ContainsFunc(h.Sources, broken):
		return errors.New("an event source does not work; docs/runbooks/queue-age.md says what to do")
	case slices.ContainsFunc(h.Sources, repair.Source.Late):
		return errors.New("messages wait for too long; docs/runbooks/queue-age.md says what to do")
	case slices.ContainsFunc(h.Outboxes, repair.Outbox.Late):
		return errors.New("events wait for too long in an outbox; docs/runbooks/outbox-lag.md says what to do")
	}
	return nil
}

func (h shownHealth) show(w io.Writer) {
	showHealth(w, h.Health)
	if h.Sources != nil {
		fmt.Fprintln(w)
		row(w, "FUNCTION", "SOURCE", "WAITING", "OLDEST", "PROBLEM")
		for _, s := range h.Sources {
			row(w, s.Function, s.State, s.Waiting, age(s.Oldest), cmp.Or(s.Meant, s.Problem, "-"))
		}
	}
	for _, o := range h.Outboxes {
		if o.Oldest > 0 || o.Events > 0 {
			fmt.Fprintf(w, "\nthe outbox of %s has waited for its relay for %s, with %d events put aside\n",
				o.Service, age(o.Oldest), o.Events)
		}
	}
}

// age writes an age in seconds, or a dash for none.
func age(seconds int) string {
	if seconds == 0 {
		return "-"
	}
	return (time.Duration(seconds) * time.Second).String()
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
