package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

// everyLook is how often the progress of a rebuild is read.
var everyLook = time.Second

func rebuild(a *app) *cobra.Command {
	var stop, detach bool
	var request client.RebuildRequest
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Rebuild the reports from the log",
		Long: `Rebuild the reports from the log. Until the new reports have caught up, the current ones
stay available and count new orders; then the new ones replace them.

The command shows the progress until then. Interrupting it does not stop the rebuild; run it again
to see how far it is. --stop stops the rebuild, and the next one resumes it. With --fresh it starts
over, as after a release that changed what is counted.`,
		Example: `  orderflow report rebuild
  orderflow report rebuild --stop
  orderflow report rebuild --fresh --reason "Release 0.12 added a report" --detach`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if stop && (request.Fresh || detach) {
				return usage("--stop goes without --fresh and --detach")
			}
			c, err := a.reports()
			if err != nil {
				return err
			}
			var r client.Rebuild
			if stop {
				r, err = c.StopRebuild(cmd.Context(), request.Reason)
			} else {
				r, err = c.StartRebuild(cmd.Context(), request)
			}
			if err == nil && !stop && !detach {
				r, err = follow(cmd.Context(), cmd.ErrOrStderr(), c, r)
			}
			if err != nil {
				return err
			}
			return a.print(cmd, r, func(w io.Writer) {
				row(w, "GENERATION", "STATE", "READ", "OF", "STARTED", "BY")
				row(w, r.Generation, r.State, r.Read, r.Total, r.StartedAt.Format(time.DateTime), r.By)
			})
		},
	}
	cmd.Flags().BoolVar(&stop, "stop", false, "stop the rebuild that runs")
	cmd.Flags().BoolVar(&request.Fresh, "fresh", false, "start over instead of resuming a stopped rebuild")
	cmd.Flags().StringVar(&request.Reason, "reason", "", "`why`, for the audit log")
	cmd.Flags().BoolVar(&detach, "detach", false, "do not wait for the end")
	return cmd
}

// follow shows the progress of a rebuild until it no longer reads the log.
func follow(ctx context.Context, out io.Writer, c *client.Client, r client.Rebuild) (client.Rebuild, error) {
	shown := int64(-1)
	for r.Reads() {
		if r.Read != shown {
			fmt.Fprintf(out, "generation %d: %d of %d events (%d %%)\n", r.Generation, r.Read, r.Total, percent(r))
			shown = r.Read
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("%w: the rebuild continues; `orderflow report rebuild` shows it again", ctx.Err())
		case <-time.After(everyLook):
		}
		latest, err := c.LatestRebuild(ctx)
		if err != nil {
			return r, err
		}
		r = latest
	}
	return r, nil
}

func percent(r client.Rebuild) int64 {
	if r.Total == 0 {
		return 0
	}
	return 100 * r.Read / r.Total
}
