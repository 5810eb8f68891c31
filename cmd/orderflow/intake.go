package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	ordering "orderflow/internal/orders"
	"orderflow/internal/orders/dynamo"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
)

func intake(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:   "intake",
		Short: "Stop taking new orders, and take them again",
		Long: `Stop taking new orders, and take them again. While the intake is stopped, a new order
gets 503 OrdersStopped with Retry-After. Orders in progress continue, a repeated request gets its
recorded answer, and everything else is served.

` + stackFileHelp,
		Example: `  orderflow intake status
  orderflow intake stop --for 30m --reason "the carrier is down, INC-4711"
  orderflow intake resume --reason "they are back"`,
	}, intakeStatus(a), stopIntake(a), resumeIntake(a))
}

func (s site) intake() ordering.Switch {
	c := clock.System{}
	if s.inProcess() {
		return ordering.Switch{Store: s.process(), Clock: c}
	}
	return ordering.Switch{Store: s.orders(), Clock: c}
}

func (s site) orders() dynamo.Store {
	return dynamo.Open(ddb.Open(s.cfg, s.stack+"-orders", clock.System{}))
}

func intakeStatus(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show whether new orders are taken",
		Example: "  orderflow intake status", Args: exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			i, err := s.intake().Store.Intake(cmd.Context())
			if err != nil {
				return err
			}
			return a.showIntake(cmd, i)
		}),
	}
}

func stopIntake(a *app) *cobra.Command {
	var why string
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "stop --reason WHY [--for DURATION]",
		Short: "Take no new orders (operators)",
		Long: `Take no new orders, for a time or until "orderflow intake resume". The audit log records who did this
and why; customers are not told why.

` + stackFileHelp,
		Example: `  orderflow intake stop --for 30m --reason "the carrier is down, INC-4711"`,
		Args:    exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			if cmd.Flags().Changed("for") && lasts < time.Second {
				return usage("--for %s is too short: give a second or more", lasts)
			}
			ctx := cmd.Context()
			action, err := s.action(ctx, why, "intake stop")
			if err != nil {
				return err
			}
			var until time.Time
			if action.Subject = "intake"; lasts > 0 {
				until = time.Now().Add(lasts).UTC()
				action.Detail = "until " + until.Format(time.RFC3339)
			}
			var i ordering.Intake
			err = s.audit().Do(ctx, action, func(ctx context.Context) (err error) {
				i, err = s.intake().Stop(ctx, until, why, action.User+" ("+action.Who+")")
				return err
			})
			if err != nil {
				return err
			}
			return a.showIntake(cmd, i)
		}),
	}
	cmd.Flags().DurationVar(&lasts, "for", 0, "`duration` after which orders are taken again, such as 30m")
	reasonFlag(cmd, &why)
	return cmd
}

func resumeIntake(a *app) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: "resume --reason WHY", Short: "Take new orders again (operators)",
		Long:    "Take new orders again, at once. The audit log records who did this and why.\n\n" + stackFileHelp,
		Example: `  orderflow intake resume --reason "they are back"`,
		Args:    exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			ctx := cmd.Context()
			action, err := s.action(ctx, why, "intake resume")
			if err != nil {
				return err
			}
			action.Subject = "intake"
			if err := s.audit().Do(ctx, action, s.intake().Resume); err != nil {
				return err
			}
			return a.showIntake(cmd, ordering.Intake{})
		}),
	}
	reasonFlag(cmd, &why)
	return cmd
}

// shownIntake is an intake as JSON.
type shownIntake struct {
	Stopped bool       `json:"stopped"`
	Since   *time.Time `json:"since"`
	Until   *time.Time `json:"until"`
	Reason  string     `json:"reason,omitempty"`
	By      string     `json:"by,omitempty"`
}

func (a *app) showIntake(cmd *cobra.Command, i ordering.Intake) error {
	shown := shownIntake{Stopped: i.Stopped(time.Now())}
	if shown.Stopped {
		shown.Since, shown.Reason, shown.By = &i.StoppedAt, i.Reason, i.By
		if !i.Until.IsZero() {
			shown.Until = &i.Until
		}
	}
	return a.print(cmd, shown, func(w io.Writer) {
		if !shown.Stopped {
			_, _ = fmt.Fprintln(w, "new orders are taken")
			return
		}
		_, _ = fmt.Fprintln(w, "new orders are refused")
		row(w, "since", timeOrDash(shown.Since))
		row(w, "until", timeOrDash(shown.Until))
		row(w, "reason", i.Reason)
		row(w, "by", i.By)
	})
}
