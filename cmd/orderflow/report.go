package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/chart"
	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

func report(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "report",
		Short: "Read sales reports, and rebuild them (operators)",
		Long: `Read sales reports, and rebuild them from the log of events. Days are UTC. Reports follow the shop
with a delay of seconds. Each says how recent it is, below the table and in the chart. What happened
before the service was deployed is in none.

They come from the service reporting, which has a stack of its own. Its address is the output
ReportingApiUrl in the stack file; --reports-url or $ORDERFLOW_REPORTS_URL name another.
Operators only.`,
		Example: `  orderflow report sales --from 2026-11-01 --to 2026-11-30 --chart sales.svg
  orderflow report products --csv > best-sellers.csv
  orderflow report rebuild`,
	}, sales(a), bestSellers(a), funnel(a), latency(a), rebuild(a), parkedRecords(a))
	cmd.PersistentFlags().StringVar(&a.reportsURL, "reports-url", "",
		"`address` of reporting's API (default: $ORDERFLOW_REPORTS_URL, or the stack file's)")
	return cmd
}

// reports returns a client of reporting that acts as an operator.
func (a *app) reports() (*client.Client, error) {
	c, err := a.api(operator)
	if err != nil {
		return nil, err
	}
	address := cmp.Or(a.reportsURL, a.getenv("ORDERFLOW_REPORTS_URL"))
	if address == "" {
		d, err := a.deployment()
		if err != nil && !errors.Is(err, errNoStack) {
			return nil, err
		}
		address = d.outputs["ReportingApiUrl"]
		// A token for a given address does not go to one that was found.
		if address != "" && !d.named && a.address(deployment{}) != "" {
			return nil, usage("%s alone names the address of reporting: give it by --reports-url "+
				"or $ORDERFLOW_REPORTS_URL, as the API's", d.file)
		}
	}
	if address == "" {
		return nil, errors.New("this deployment has no reports: deploy the stack of reporting " +
			"(`make up BROKERS=yes` on a laptop), or give --reports-url")
	}
	c.BaseURL = strings.TrimRight(address, "/")
	return c, nil
}

// kind is a kind of report with entries E.
type kind[E any] struct {
	name, short, long string
	total             bool // unless asked otherwise
	limit             int  // likewise; 0 for all
	columns           []string
	cells             func(E) []any
	unit              string
	points            func(E) []chart.Point
}

func sales(a *app) *cobra.Command {
	return read(a, kind[client.Sales]{
		name: "sales", short: "Read sales by day and currency",
		long: "Orders, pieces and revenue count on the day on which an order was confirmed, refunds on their " +
			"own day.",
		columns: []string{"day", "currency", "orders", "units", "revenue", "refunds"},
		cells: func(s client.Sales) []any {
			return []any{s.Day, s.Revenue.Currency, s.Orders, s.Units, decimal(s.Revenue), decimal(s.Refunds)}
		},
		unit: "revenue",
		points: func(s client.Sales) []chart.Point {
			return []chart.Point{{Day: s.Day, Series: s.Revenue.Currency, Value: number(s.Revenue)}}
		},
	})
}

func bestSellers(a *app) *cobra.Command {
	return read(a, kind[client.ProductSales]{
		name: "products", short: "Read the best sellers", total: true, limit: 20,
		long:    "The products with the most pieces in confirmed orders come first. Refunds are not deducted.",
		columns: []string{"day", "sku", "units", "currency", "revenue"},
		cells: func(p client.ProductSales) []any {
			return []any{p.Day, p.SKU, p.Units, p.Revenue.Currency, decimal(p.Revenue)}
		},
		unit: "pieces",
		points: func(p client.ProductSales) []chart.Point {
			return []chart.Point{{Day: p.Day, Series: p.SKU, Value: float64(p.Units)}}
		},
	})
}

func funnel(a *app) *cobra.Command {
	return read(a, kind[client.Outcome]{
		name: "funnel", short: "Read how orders ended",
		long:    "An order counts as PLACED on the day it was placed, and by its final status on the day it got that.",
		columns: []string{"day", "outcome", "reason", "orders"},
		cells:   func(o client.Outcome) []any { return []any{o.Day, o.Outcome, o.Reason, o.Orders} },
		unit:    "orders",
		points: func(o client.Outcome) []chart.Point {
			series := strings.TrimSpace(o.Outcome + " " + o.Reason)
			return []chart.Point{{Day: o.Day, Series: series, Value: float64(o.Orders)}}
		},
	})
}

func latency(a *app) *cobra.Command {
	return read(a, kind[client.Latency]{
		name: "latency", short: "Read how long orders take to their final status",
		long:    "Percentiles in milliseconds, within 1 %.",
		columns: []string{"day", "orders", "p50ms", "p95ms", "p99ms"},
		cells:   func(l client.Latency) []any { return []any{l.Day, l.Orders, l.P50, l.P95, l.P99} },
		unit:    "seconds",
		points: func(l client.Latency) []chart.Point {
			in := func(series string, ms int64) chart.Point {
				return chart.Point{Day: l.Day, Series: series, Value: float64(ms) / 1000}
			}
			return []chart.Point{in("p50", l.P50), in("p95", l.P95), in("p99", l.P99)}
		},
	})
}

// decimal is an amount without its currency.
func decimal(m money.Money) string {
	amount, _, _ := strings.Cut(m.String(), " ")
	return amount
}

// number is an amount for a picture.
func number(m money.Money) (v float64) {
	_, _ = fmt.Sscan(decimal(m), &v) // digits and a point
	return v
}

func read[E any](a *app, k kind[E]) *cobra.Command {
	var q client.ReportQuery
	var by, image string
	var asCSV bool
	byDefault, byOther := "day", "total"
	if k.total {
		byDefault, byOther = byOther, byDefault
	}
	cmd := &cobra.Command{
		Use:   k.name,
		Short: k.short,
		Long: k.short + `.

` + k.long + `

Without --from, the period is the 30 days up to --to. A period has at most 400 days. --by total adds
the days up.`,
		Example: fmt.Sprintf("  orderflow report %[1]s --by %[2]s\n"+
			"  orderflow report %[1]s --from 2026-11-01 --csv\n"+
			"  orderflow report %[1]s --from 2026-11-01 --chart %[1]s.svg", k.name, byOther),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if by != "day" && by != "total" {
				return usage("--by must be day or total")
			}
			if q.Limit < 0 {
				return usage("--limit must be 1 or more, or 0 for all")
			}
			c, err := a.reports()
			if err != nil {
				return err
			}
			q.Name, q.Total = k.name, by == "total"
			r, err := client.ReadReport[E](cmd.Context(), c, q)
			if err != nil {
				return err
			}
			if image != "" {
				if err := k.draw(image, r); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "drawn: %s\n", image)
			}
			if about := remarks(r); about != "" {
				fmt.Fprintln(cmd.ErrOrStderr(), about)
			}
			if asCSV {
				return k.csv(cmd.OutOrStdout(), r)
			}
			return a.print(cmd, r, func(w io.Writer) { k.table(w, r) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&q.From, "from", "", "first `day`, such as 2026-11-01")
	flags.StringVar(&q.To, "to", "", "last `day`, included (default: today)")
	flags.StringVar(&by, "by", byDefault, "one entry for each day, or for the whole `period`: day or total")
	flags.IntVar(&q.Limit, "limit", k.limit, "how many entries at most; 0 for all")
	flags.BoolVar(&asCSV, "csv", false, "write comma-separated values")
	flags.StringVar(&image, "chart", "", "also draw the report into an SVG `file`")
	return cmd
}

// remarks says how recent and how complete a report is.
func remarks[E any](r client.Report[E]) string {
	var all []string
	at := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") + " UTC" }
	if r.AsOf != nil {
		all = append(all, "as of "+at(*r.AsOf))
	}
	if r.NewestEventAt != nil {
		all = append(all, "newest event at "+at(*r.NewestEventAt))
	}
	if since := r.Generation.CompleteSince; since != nil {
		all = append(all, "incomplete before "+at(*since)+": older events had left the log")
	}
	return strings.Join(all, "; ")
}

func (k kind[E]) table(w io.Writer, r client.Report[E]) {
	headings := make([]any, len(k.columns))
	for i, column := range k.columns {
		headings[i] = strings.ToUpper(column)
	}
	row(w, headings...)
	for _, e := range r.Entries {
		cells := k.cells(e)
		for i, cell := range cells {
			if cell == "" {
				cells[i] = "-"
			}
		}
		row(w, cells...)
	}
}

func (k kind[E]) csv(out io.Writer, r client.Report[E]) error {
	w := csv.NewWriter(out)
	lines := [][]string{k.columns}
	for _, e := range r.Entries {
		var line []string
		for _, cell := range k.cells(e) {
			line = append(line, fmt.Sprint(cell))
		}
		lines = append(lines, line)
	}
	return w.WriteAll(lines)
}

// draw writes the report's picture.
func (k kind[E]) draw(file string, r client.Report[E]) (err error) {
	var points []chart.Point
	for _, e := range r.Entries {
		points = append(points, k.points(e)...)
	}
	f, err := os.Create(file) //nolint:gosec // G304: the caller's own file
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	title := strings.TrimSpace(fmt.Sprintf("%s, %s to %s\n%s", k.name, r.From, r.To, remarks(r)))
	return chart.Draw(f, title, k.unit, points)
}

func parkedRecords(a *app) *cobra.Command {
	var p pageFlags
	cmd := &cobra.Command{
		Use:   "parked",
		Short: "List records of the log that are in no report, newest first",
		Long: `List the records of the log that could not be understood, newest first. They are in no report.
docs/runbooks/parked-records.md says what to do.`,
		Example: "  orderflow report parked\n  orderflow report parked --limit 100 -o json",
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.reports()
			if err != nil {
				return err
			}
			page, err := c.ParkedRecords(cmd.Context(), p.limit, p.cursor)
			if err != nil {
				return err
			}
			return a.printPage(cmd, page, page.Cursor, func(w io.Writer) {
				row(w, "TOPIC", "PARTITION", "OFFSET", "REASON", "PARKED")
				for _, r := range page.Records {
					row(w, r.Topic, r.Partition, r.Offset, r.Reason, r.ParkedAt.Format(time.RFC3339))
				}
			})
		},
	}
	p.add(cmd)
	return cmd
}
