package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

func health(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Show what of each service works and what does not (operators)",
		Long: `Show each service with the parts that it needs: pass, warn (degraded, but ready) or fail, with a code and how long the check took.
What a service says is up to five seconds old. Ends with 1 if something fails. What to do then: docs/runbooks/readiness.md. Operators only.`,
		Example: "  orderflow health\n  orderflow health -o json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.api(operator)
			if err != nil {
				return err
			}
			h, err := c.Health(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.print(cmd, h, func(w io.Writer) { showHealth(w, h) }); err != nil {
				return err
			}
			if h.Status == "fail" {
				return fmt.Errorf("not ready; docs/runbooks/readiness.md says what to do")
			}
			return nil
		},
	}
}

func showHealth(w io.Writer, h client.Health) {
	row(w, "SERVICE", "PART", "STATUS", "CODE", "MS")
	for _, s := range h.Services {
		if s.Code != "" {
			row(w, s.ServiceID, "(no answer)", s.Status, s.Code, s.TookMs)
		}
		for _, c := range s.Checks {
			row(w, s.ServiceID, c.Name, c.Status, first(c.Code, "-"), c.TookMs)
		}
	}
}
