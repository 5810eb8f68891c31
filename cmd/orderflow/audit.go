package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/repair"
)

func audit(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "audit [ORDER|SKU]",
		Short: "Show operators' actions: who did what, when and why",
		Long: `Show the actions of operators, taken on the command line or over HTTP: who did what, when and why.
Shows the actions on one order or product, or all of them.

` + stackFileHelp,
		Example: `  orderflow audit
  orderflow audit MUG-BLUE
  orderflow audit 01KAQ5M3Z8V7D2X4C6B9N1T0RW -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			subject := ""
			if len(args) == 1 {
				subject = args[0]
			}
			actions, err := s.audit().Actions(cmd.Context(), subject)
			if err != nil {
				return err
			}
			return a.print(cmd, actions, func(w io.Writer) { showActions(w, actions) })
		}),
	}
}

func showActions(w io.Writer, actions []repair.Action) {
	row(w, "AT", "WHO", "DID", "TO", "OUTCOME", "WHY")
	for _, action := range actions {
		who := action.User + " (" + action.Who + ")"
		row(w, action.At.Format(time.RFC3339), who, action.What, action.Subject, action.Outcome, action.Why)
		if action.Detail != "" {
			row(w, "", "", fmt.Sprint("  ", action.Detail))
		}
	}
}
