package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/spf13/cobra"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/ops/awsapi"
	"orderflow/internal/ops/routes"
	"orderflow/internal/platform/clock"
)

func stranglerCommand(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:   "strangler",
		Short: "Move the old shop's clients to the services, route by route",
		Long: `Move the old shop's clients to the services, route by route. Clients keep their addresses under
/legacy; a table says which shop serves each route. A route's mode is

  legacy  the old shop
  shadow  the old shop; its answers are compared with the services' later (products only)
  10%     the services for a tenth of the customers, always the same ones
  new     the services

An order stays with the shop that placed it, whatever the table says. docs/strangler.md describes the steps.

` + stackFileHelp,
		Example: `  orderflow strangler status
  orderflow strangler set list-products=shadow read-product=shadow --reason "first comparison"
  orderflow strangler set place-order=10% --reason "no differences for a week"
  orderflow strangler diff --since 24h`,
	}, stranglerStatus(a), stranglerSet(a), stranglerDiff(a))
}

func (s site) routes() (routes.Parameter, error) {
	name := s.outputs["LegacyRoutesParameter"]
	if name == "" {
		return routes.Parameter{}, errors.New("the stack file has no LegacyRoutesParameter: deploy again")
	}
	return routes.Parameter{API: awsapi.Client{Config: s.cfg}, Name: name}, nil
}

func (s site) gatewayLog() routes.Log {
	return routes.Log{Client: cloudwatchlogs.NewFromConfig(s.cfg), Group: "/orderflow/" + s.stack + "/gateway"}
}

// sinceFlag adds the flag --since.
func sinceFlag(cmd *cobra.Command, since *time.Duration) {
	cmd.Flags().DurationVar(since, "since", time.Hour, "how far back to look in the log")
}

// routeStatus is the state of a route.
type routeStatus struct {
	Route strangler.Route `json:"route"`
	strangler.Setting
	Differences    int        `json:"differences"`
	LastDifference *time.Time `json:"lastDifference"`
	FallBacks      int        `json:"fallBacks"`
	LastFallBack   *time.Time `json:"lastFallBack"`
}

func stranglerStatus(a *app) *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which shop serves each route, with recent fall-backs and differences",
		Long: `Show which shop serves each route, who changed it last, and how often since --since the shops'
answers differed and the services were down, so that the old shop served.`,
		Example: `  orderflow strangler status
  orderflow strangler status --since 24h -o json`,
		Args: exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			ctx := cmd.Context()
			parameter, err := s.routes()
			if err != nil {
				return err
			}
			stored, bad := parameter.Read(ctx)
			if bad != nil && !errors.Is(bad, routes.ErrBad) {
				return bad
			}
			all, err := statusOf(ctx, stored, s.gatewayLog(), clock.System{}.Now().Add(-since))
			if err != nil {
				return err
			}
			shown := struct {
				routes.Stored
				Status []routeStatus `json:"status"`
			}{stored, all}
			return errors.Join(a.print(cmd, shown, func(w io.Writer) { showStatus(w, stored, all) }), bad)
		}),
	}
	sinceFlag(cmd, &since)
	return cmd
}

func statusOf(ctx context.Context, stored routes.Stored, log routes.Log, since time.Time) ([]routeStatus, error) {
	differences, err := log.Differences(ctx, since)
	if err != nil {
		return nil, err
	}
	fallBacks, err := log.FallBacks(ctx, since)
	if err != nil {
		return nil, err
	}
	var all []routeStatus
	for _, r := range strangler.AllRoutes {
		status := routeStatus{Route: r, Setting: stored.Routes[r]}
		status.Differences, status.LastDifference = of(r, differences)
		status.FallBacks, status.LastFallBack = of(r, fallBacks)
		all = append(all, status)
	}
	return all, nil
}

func of(r strangler.Route, found []routes.Finding) (int, *time.Time) {
	for _, f := range found {
		if f.Route == r {
			return f.Count, &f.Last
		}
	}
	return 0, nil
}

func showStatus(w io.Writer, stored routes.Stored, all []routeStatus) {
	row(w, "ROUTE", "MODE", "DIFFERENCES", "LAST", "FALL-BACKS", "LAST")
	for _, s := range all {
		row(w, s.Route, modeText(s.Setting), s.Differences, timeOrDash(s.LastDifference), s.FallBacks,
			timeOrDash(s.LastFallBack))
	}
	if stored.Revision == 0 {
		row(w, "never set: the old shop serves everything")
		return
	}
	row(w, fmt.Sprintf("version %d by %s at %s: %s", stored.Version, cmp.Or(stored.ChangedBy, "-"),
		cmp.Or(stored.ChangedAt, "-"), cmp.Or(stored.Reason, "-")))
}

func modeText(s strangler.Setting) string {
	if s.Mode == strangler.Split {
		return fmt.Sprint(s.Weight, "%")
	}
	return string(s.Mode)
}

func stranglerSet(a *app) *cobra.Command {
	var why, products string
	var replace bool
	cmd := &cobra.Command{
		Use:   "set ROUTE=MODE... --reason WHY",
		Short: "Change which shop serves routes",
		Long: `Change which shop serves routes; the other routes stay as they are. Functions follow within 15 seconds.
A bad table is refused before anything is written. The audit log records who did this and why.

ROUTE is list-products, read-product, place-order, read-order, list-orders or cancel-order, or all.
The file of --products has the SKU of each product of the old shop: {"1001": "MUG-BLUE"}.`,
		Example: `  orderflow strangler set --products products.json --reason "products of the old shop"
  orderflow strangler set list-products=shadow read-product=shadow --reason "first comparison"
  orderflow strangler set place-order=10% --reason "no differences for a week"
  orderflow strangler set all=legacy --reason "prices are wrong, INC-4711"`,
		RunE: a.withSite(func(cmd *cobra.Command, args []string, s site) error {
			ctx := cmd.Context()
			action, err := s.action(ctx, why, "strangler set")
			if err != nil {
				return err
			}
			parameter, err := s.routes()
			if err != nil {
				return err
			}
			stored, err := parameter.Read(ctx)
			bad := errors.Is(err, routes.ErrBad)
			switch {
			case bad && !replace:
				return fmt.Errorf("%w; --replace starts from one in which the old shop serves everything", err)
			case err != nil && !bad:
				return err
			}
			next := stored
			if replace {
				next.Table = strangler.AllLegacy()
			}
			if err := change(&next.Table, args, products); err != nil {
				return err
			}
			if err := routes.Check(next.Table); err != nil {
				return usage("nothing was written: %w", err)
			}
			action.Subject, action.Detail = "legacy-routes", changes(stored.Table, next.Table)
			if bad {
				action.Detail = strings.TrimSpace("a bad table replaced " + action.Detail)
			}
			if action.Detail == "" {
				return errors.New("nothing to change: `orderflow strangler status` shows the table")
			}
			next.Version, next.ChangedBy, next.Reason = stored.Version+1, shorten(action.Who, maxWho), why
			next.ChangedAt = clock.System{}.Now().UTC().Format(time.RFC3339)
			err = s.audit().Do(ctx, action, func(ctx context.Context) error { return parameter.Write(ctx, next) })
			if errors.Is(err, routes.ErrOverwritten) {
				return fmt.Errorf("%w; `orderflow audit legacy-routes` shows it: decide together, then set again", err)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "version %d: %s\n`orderflow strangler status` shows its effect\n",
				next.Version, action.Detail)
			return nil
		}),
	}
	reasonFlag(cmd, &why)
	cmd.Flags().StringVar(&products, "products", "", "JSON `file` with the SKUs of the old shop's products")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace the whole table, such as a bad one")
	return cmd
}

// maxWho is the longest changedBy of a table.
const maxWho = 200

func shorten(s string, most int) string { return s[:min(len(s), most)] }

// change sets the routes of args, and the products of a file unless it is "".
func change(t *strangler.Table, args []string, products string) error {
	if len(args) == 0 && products == "" {
		return usage("say which routes to change, such as place-order=10%%")
	}
	t.Routes = maps.Clone(t.Routes)
	for _, arg := range args {
		name, mode, _ := strings.Cut(arg, "=")
		setting, err := settingOf(mode)
		if err != nil {
			return usage("%s: %w", arg, err)
		}
		names := []strangler.Route{strangler.Route(name)}
		if name == "all" {
			names = strangler.AllRoutes[:]
		}
		for _, r := range names {
			if _, known := t.Routes[r]; !known {
				return usage("%s: unknown route; see `orderflow strangler set --help`", arg)
			}
			t.Routes[r] = setting
		}
	}
	if products == "" {
		return nil
	}
	text, err := os.ReadFile(products) //nolint:gosec // G304: the caller's own file
	if err != nil {
		return err
	}
	t.Products = nil
	if err := json.Unmarshal(text, &t.Products); err != nil {
		return fmt.Errorf("%s: %w", products, err)
	}
	return nil
}

// settingOf reads a mode, or a percentage.
func settingOf(mode string) (strangler.Setting, error) {
	percent, split := strings.CutSuffix(mode, "%")
	if !split {
		return strangler.Setting{Mode: strangler.Mode(mode)}, nil // routes.Check refuses unknown ones
	}
	weight, err := strconv.Atoi(percent)
	if err != nil || weight < 0 || weight > 100 {
		return strangler.Setting{}, errors.New("a percentage is 0% to 100%")
	}
	return strangler.Setting{Mode: strangler.Split, Weight: weight}, nil
}

// changes says in words how two tables differ.
func changes(from, to strangler.Table) string {
	var all []string
	for _, r := range strangler.AllRoutes {
		if from.Routes[r] != to.Routes[r] {
			all = append(all, fmt.Sprintf("%s %s → %s", r, modeText(from.Routes[r]), modeText(to.Routes[r])))
		}
	}
	n, ids := 0, maps.Clone(to.Products)
	maps.Copy(ids, from.Products)
	for id := range ids {
		if from.Products[id] != to.Products[id] {
			n++
		}
	}
	if n > 0 {
		all = append(all, fmt.Sprintf("SKUs of %d products", n))
	}
	return strings.Join(all, ", ")
}

func stranglerDiff(a *app) *cobra.Command {
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show in which fields the shops' answers differ",
		Long: `Show in which fields the answers of the two shops differ, as found by shadowing: the field's path and
the ids of the products, but no values. Get the same product from both shops to see them.`,
		Example: `  orderflow strangler diff
  orderflow strangler diff --since 24h -o json`,
		Args: exactly(),
		RunE: a.withSite(func(cmd *cobra.Command, _ []string, s site) error {
			found, err := s.gatewayLog().Fields(cmd.Context(), clock.System{}.Now().Add(-since))
			if err != nil {
				return err
			}
			return a.print(cmd, found, func(w io.Writer) {
				row(w, "ROUTE", "FIELD", "ANSWERS", "LAST", "PRODUCTS")
				for _, f := range found {
					row(w, f.Route, f.Field, f.Count, f.Last.Format(time.RFC3339), sample(f.Products))
				}
			})
		}),
	}
	sinceFlag(cmd, &since)
	return cmd
}

// sample names a few products.
func sample(ids []string) string {
	const most = 5
	text := strings.Join(ids[:min(len(ids), most)], " ")
	if len(ids) > most {
		text += fmt.Sprintf(" and %d more", len(ids)-most)
	}
	return text
}
