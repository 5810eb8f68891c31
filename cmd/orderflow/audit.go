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
		Short: "Show what operators did, who it was and why",
		Long:  "Show what operators did by the command line and by HTTP, who it was and why: to an order, to a product, or to everything.\n\n" + stackFileHelp,
		Example: `  orderflow audit
  orderflow audit MUG-BLUE
  orderflow audit 01KAQ5M3Z8V7D2X4C6B9N1T0RW -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := a.site(cmd.Context())
			if err != nil {
				return err
			}
			subject := ""
			if len(args) == 1 {
				subject = args[0]
			}
			actions, err := b.audit().Actions(cmd.Context(), subject)
			if err != nil {
				return err
			}
			return a.print(cmd, actions, func(w io.Writer) { showActions(w, actions) })
		},
	}
}

func showActions(w io.Writer, actions []repair.Action) {
	row(w, "AT", "WHO", "DID", "TO", "OUTCOME", "WHY")
	for _, did := range actions {
		row(w, did.At.Format(time.RFC3339), did.User+" ("+did.Who+")", did.What, did.Subject, did.Outcome, did.Why)
		if did.Detail != "" {
			row(w, "", "", fmt.Sprint("  ", did.Detail))
		}
	}
}
