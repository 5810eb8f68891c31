package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/signin"
	"orderflow/internal/platform/ids"
)

func orders(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:     "order",
		Short:   "Place, read, follow, cancel and repair orders",
		Example: "  orderflow order place --item MUG-BLUE=2\n  orderflow order list",
	}, placeOrder(a), listOrders(a), getOrder(a), cancelOrder(a), watchOrder(a), retryOrder(a))
}

// orderID accepts one argument, an order id.
func orderID(cmd *cobra.Command, args []string) error {
	if err := exactly("ORDER")(cmd, args); err != nil {
		return err
	}
	if !ids.Valid(args[0]) {
		return usage("%q is not an order id: it has 26 characters, such as 01KAQ5M3Z8V7D2X4C6B9N1T0RW; "+
			"`orderflow order list` shows yours", args[0])
	}
	return nil
}

func listOrders(a *app) *cobra.Command {
	var p pageFlags
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List your orders or, as an operator, those of customers",
		Long: `List your own orders, newest first. As an operator, find orders of customers by one of the flags below:
without --customer those of all customers that have not ended, oldest first.

--wide also shows until when the customer must act; of your own orders the tracking number and the
lines; of customers' orders when they changed, whether a cancellation was requested, and the detail.`,
		Example: `  orderflow order list
  orderflow order list --user bob --limit 5 -o json
  orderflow order list --status NEEDS_ATTENTION
  orderflow order list --status PENDING --older-than 10m
  orderflow order list --customer 5f0c9a3e-2b71-4f0e-9d55-8a4b1f6c7e10 --tracking TRK-7F3A9C`,
		Args: exactly(),
	}
	p.add(cmd)
	var q client.OrderSearch
	var all, wide bool
	var tracking string
	cmd.Flags().BoolVar(&wide, "wide", false, "show more of each order")
	cmd.Flags().BoolVar(&all, "all", false, "of all customers, those that have not ended")
	cmd.Flags().StringVar(&q.Customer, "customer", "", "of the customer with this `id`")
	cmd.Flags().StringVar(&q.Status, "status", "", "of this `status`; one that ended needs --customer")
	cmd.Flags().StringVar(&q.Reason, "reason", "", "of this `reason`, such as COMPENSATION_FAILED")
	cmd.Flags().DurationVar(&q.OlderThan, "older-than", 0, "placed that long ago, such as 10m")
	cmd.Flags().StringVar(&tracking, "tracking", "", "with this tracking `number`; needs --customer")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		find := all || q != client.OrderSearch{} || tracking != ""
		switch {
		case all && q.Customer != "":
			return usage("choose the orders of all customers or of one: --all or --customer")
		case tracking != "" && q.Customer == "":
			return usage("--tracking needs --customer: only a customer's orders are listed after they ended")
		case !find:
			return a.withAPI("", func(cmd *cobra.Command, _ []string, c *client.Client) error {
				return a.listOwn(cmd, c, p, wide)
			})(cmd, args)
		}
		q.Limit, q.Cursor = p.limit, p.cursor
		return a.withAPI(operator, func(cmd *cobra.Command, _ []string, c *client.Client) error {
			page, err := findOrders(cmd.Context(), c, q, tracking)
			if err != nil {
				return err
			}
			return a.printPage(cmd, page, page.Cursor, func(w io.Writer) {
				list := columns(w, 7, wide)
				list("ORDER", "CUSTOMER", "STATUS", "REASON", "TOTAL", "TRACKING", "PLACED", "CHANGED", "CUSTOMER MUST",
					"CANCELLATION", "DETAIL")
				for _, o := range page.Orders {
					must, cancellation := "-", "-"
					if until := o.CustomerActionUntil; until != nil {
						must = "act until " + until.Format(time.RFC3339)
					}
					if o.CancelRequested {
						cancellation = "requested"
					}
					list(o.OrderID, o.CustomerID, o.Status, cmp.Or(o.Why(), "-"), o.Total,
						cmp.Or(o.TrackingNumber, "-"), o.CreatedAt.Format(time.RFC3339),
						o.UpdatedAt.Format(time.RFC3339), must, cancellation, cmp.Or(o.Detail, "-"))
				}
			})
		})(cmd, args)
	}
	return cmd
}

// columns returns a function that writes a row: the first n cells, or all if the list is wide.
func columns(w io.Writer, n int, wide bool) func(cells ...any) {
	return func(cells ...any) {
		if !wide {
			cells = cells[:n]
		}
		row(w, cells...)
	}
}

// findOrders reads a page of orders, or all pages of those with a tracking number.
func findOrders(
	ctx context.Context, c *client.Client, q client.OrderSearch, tracking string,
) (found client.FoundPage, err error) {
	if tracking == "" {
		return c.FindOrders(ctx, q)
	}
	found.Orders = []client.FoundOrder{}
	for q.Limit = 100; ; {
		page, err := c.FindOrders(ctx, q)
		if err != nil {
			return found, err
		}
		for _, o := range page.Orders {
			if o.TrackingNumber == tracking {
				found.Orders = append(found.Orders, o)
			}
		}
		if page.Cursor == nil {
			return found, nil
		}
		q.Cursor = *page.Cursor
	}
}

// listOwn lists the caller's own orders.
func (a *app) listOwn(cmd *cobra.Command, c *client.Client, p pageFlags, wide bool) error {
	page, err := c.ListOrders(cmd.Context(), p.limit, p.cursor)
	if err != nil {
		return err
	}
	if token, err := c.Token(cmd.Context()); err == nil && slices.Contains(signin.Token{ID: token}.Groups(), operator) {
		fmt.Fprintln(cmd.ErrOrStderr(), "these are your own orders; "+
			"`orderflow order list --all`, --customer or --status list those of customers")
	}
	return a.printPage(cmd, page, page.Cursor, func(w io.Writer) {
		list := columns(w, 6, wide)
		list("ORDER", "STATUS", "REASON", "LINES", "TOTAL", "PLACED", "CUSTOMER MUST", "TRACKING", "ITEMS")
		for _, o := range page.Orders {
			must := "-"
			if n := o.NextAction; n != nil {
				must = n.Type + " until " + n.Until.Format(time.RFC3339)
			}
			list(o.OrderID, o.Status, cmp.Or(o.Why(), "-"), len(o.Items), o.Total, o.CreatedAt.Format(time.RFC3339),
				must, cmp.Or(o.TrackingNumber, "-"), itemsLine(o.Items))
		}
	})
}

func cancelOrder(a *app) *cobra.Command {
	var key, reason string
	cmd := &cobra.Command{
		Use:   "cancel ORDER",
		Short: "Cancel an order",
		Long: `Request the cancellation of an order. Its steps are undone in the background; "order watch" follows
that. An order that was handed over to the carrier cannot be cancelled.`,
		Example: "  orderflow order cancel 01KAQ5M3Z8V7D2X4C6B9N1T0RW",
		Args:    orderID,
		RunE: a.withAPI("", func(cmd *cobra.Command, args []string, c *client.Client) error {
			o, err := c.CancelOrder(cmd.Context(), key, args[0], reason)
			if err != nil {
				return err
			}
			return a.print(cmd, o, func(w io.Writer) { showOrder(w, o) })
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`why`, for the audit log if you are an operator")
	cmd.Flags().StringVar(&key, "idempotency-key", "",
		"idempotency `key` (default: none; cancelling twice is harmless)")
	return cmd
}

func watchOrder(a *app) *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "watch ORDER",
		Short: "Follow an order until it is final",
		Long:  "Follow an order until it is final. Exits with 3 unless it ends as CONFIRMED.",
		Example: `  orderflow order watch 01KAQ5M3Z8V7D2X4C6B9N1T0RW
  orderflow order watch 01KAQ5M3Z8V7D2X4C6B9N1T0RW --timeout 10m -o json`,
		Args: orderID,
		RunE: a.withAPI("", func(cmd *cobra.Command, args []string, c *client.Client) error {
			return a.follow(cmd, c, args[0], limit)
		}),
	}
	cmd.Flags().DurationVar(&limit, "timeout", 2*time.Minute, "how long to wait at most")
	return cmd
}

func showOrder(w io.Writer, o client.Order) {
	row(w, "order", o.OrderID)
	row(w, "status", o.Status)
	row(w, "reason", cmp.Or(o.Why(), "-"))
	row(w, "placed", o.CreatedAt.Format(time.RFC3339))
	row(w, "changed", o.UpdatedAt.Format(time.RFC3339))
	for _, l := range o.Items {
		row(w, "line", fmt.Sprintf("%d × %s at %s", l.Quantity, l.SKU, l.UnitPrice))
	}
	row(w, "total", o.Total)
	row(w, "paid by", o.PaymentMethod)
	row(w, "ship to", addressLine(client.Address(o.ShippingAddress)))
	for _, s := range o.Shortages {
		row(w, "short", fmt.Sprintf("%d × %s", s.Missing, s.SKU))
	}
	for _, m := range o.Progress {
		row(w, "reached", m.At.Format(time.RFC3339)+" "+m.Step)
	}
	if n := o.NextAction; n != nil {
		row(w, "customer must", fmt.Sprintf("%s until %s: %s", n.Type, n.Until.Format(time.RFC3339), n.URL))
	}
	if where := cmp.Or(o.TrackingURL, o.TrackingNumber); where != "" {
		row(w, "tracking", where)
	}
}

// itemsLine writes the lines of an order on one line.
func itemsLine(items []client.Line) string {
	var parts []string
	for _, l := range items {
		parts = append(parts, fmt.Sprintf("%d × %s", l.Quantity, l.SKU))
	}
	return strings.Join(parts, ", ")
}

// addressLine writes an address on one line, without its empty parts.
func addressLine(to client.Address) string {
	parts := []string{to.Name, to.Line1, to.Line2, strings.TrimSpace(to.PostalCode + " " + to.City), to.Region,
		to.Country}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}
