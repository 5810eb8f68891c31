package main

import (
	"cmp"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

func health(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Show the health of every service (operators)",
		Long: `Show each service with its dependencies: pass, warn (degraded, but ready) or fail, with a code and
the duration of the check. Results are cached for five seconds. Exits with 1 if anything fails;
docs/runbooks/readiness.md says what to do. Operators only.`,
		Example: "  orderflow health\n  orderflow health -o json",
		Args:    exactly(),
		RunE: a.withAPI(operator, func(cmd *cobra.Command, _ []string, c *client.Client) error {
			h, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.print(cmd, h, func(w io.Writer) { showHealth(w, h) }); err != nil {
				return err
			}
			if h.Status == "fail" {
				return errors.New("not ready; docs/runbooks/readiness.md says what to do")
			}
			return nil
		}),
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
