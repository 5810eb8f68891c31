package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

func placeOrder(a *app) *cobra.Command {
	var items []string
	var r client.OrderRequest
	var key, expected, currency string
	var wait bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "place --item SKU=QUANTITY...",
		Short: "Place an order",
		Long: `Place an order. The API answers once the order is stored; with --wait the command follows it until
it is final, and exits with 3 unless it ends as CONFIRMED. The shop sets the prices; with
--expect-total the order is placed only at that total.

If you get no answer, place the order again with the same --idempotency-key: it is placed only once.`,
		Example: `  orderflow order place --item MUG-BLUE=2 --item TEA-EARL-GREY=1 --wait
  orderflow order place --item MUG-BLUE=1 --payment-method pm_card_visa_chargeDeclined --wait
  orderflow order place --item MUG-BLUE=2 --expect-total 39.98
  orderflow order place --item MUG-BLUE=1 --postal-code 00000 --user bob
  orderflow order place --item MUG-BLUE=1 --line1 "1 Main St" --city Gary --region IN --postal-code 46402 --country US`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if r.Items, err = parseItems(items); err != nil {
				return err
			}
			if cmd.Flags().Changed("country") && !cmd.Flags().Changed("postal-code") {
				r.ShippingAddress.PostalCode = "" // the default is in Berlin
			}
			if expected != "" {
				total, err := parseAmount("--expect-total", expected, currency)
				if err != nil {
					return err
				}
				r.ExpectedTotal = &total
			}
			c, err := a.api("")
			if err != nil {
				return err
			}
			if key == "" {
				key = rand.Text()
			}
			o, err := c.PlaceOrder(cmd.Context(), key, r)
			var p *client.Problem
			if err != nil && (!errors.As(err, &p) || p.Uncertain()) {
				return fmt.Errorf("%w\nThe order may have been placed. To be sure, "+
					"repeat the command with --idempotency-key %s", err, key)
			}
			if err != nil {
				return err
			}
			if wait {
				fmt.Fprintln(cmd.ErrOrStderr(), "order", o.OrderID)
				return a.follow(cmd, c, o.OrderID, limit)
			}
			return a.print(cmd, o, func(w io.Writer) { showOrder(w, o) })
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&items, "item", nil, "`SKU=QUANTITY` to order; repeat for more products")
	f.StringVar(&r.PaymentMethod, "payment-method", "pm_card_visa",
		"`token` of the payment method, issued by the provider")
	to := &r.ShippingAddress
	f.StringVar(&to.Name, "name", "Ada Lovelace", "recipient")
	f.StringVar(&to.Line1, "line1", "12 St James Square", "street and number")
	f.StringVar(&to.Line2, "line2", "", "second line, such as a flat or a floor")
	f.StringVar(&to.City, "city", "Berlin", "city")
	f.StringVar(&to.Region, "region", "", "state or province, in countries whose addresses have one")
	f.StringVar(&to.PostalCode, "postal-code", "10115", "postal code; no default if --country is given")
	f.StringVar(&to.Country, "country", "DE", "country code, ISO 3166-1 alpha-2")
	f.StringVar(&expected, "expect-total", "",
		"`total` that you agree to, such as 39.98; at any other total nothing is ordered")
	f.StringVar(&currency, "currency", "EUR", "currency of --expect-total, ISO 4217")
	f.StringVar(&key, "idempotency-key", "", "idempotency `key` (default: random)")
	f.BoolVar(&wait, "wait", false, "follow the order until it is final")
	f.DurationVar(&limit, "timeout", 2*time.Minute, "how long --wait waits at most")
	return cmd
}

// parseItems parses items such as MUG-BLUE=2.
func parseItems(items []string) ([]client.Item, error) {
	if len(items) == 0 {
		return nil, usage("nothing to order: give --item SKU=QUANTITY, repeated for more products; " +
			"`orderflow product list` lists them")
	}
	lines := make([]client.Item, 0, len(items))
	for _, item := range items {
		sku, quantity, _ := strings.Cut(item, "=")
		n, err := strconv.Atoi(quantity)
		if sku == "" || err != nil {
			return nil, usage("--item %q is not SKU=QUANTITY, such as MUG-BLUE=2", item)
		}
		lines = append(lines, client.Item{SKU: sku, Quantity: n})
	}
	return lines, nil
}

// follow prints every change of an order until it is final, for limit at most.
func (a *app) follow(cmd *cobra.Command, c *client.Client, orderID string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), limit)
	defer cancel()
	begin := time.Now()
	o, err := c.WaitFinal(ctx, orderID, func(o client.Order) {
		if a.output == "table" {
			fmt.Fprintf(cmd.OutOrStdout(), "%8.1f s  %s\n", time.Since(begin).Seconds(), statusAndReason(o))
		}
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w\n`orderflow saga show %s` shows its progress", err, orderID)
	}
	if err != nil {
		return err
	}
	if a.output == "json" {
		if err := a.print(cmd, o, nil); err != nil {
			return err
		}
	}
	if o.Status != client.Confirmed {
		err := fmt.Errorf("order %[1]s ended as %[2]s; `orderflow saga show %[1]s` shows why",
			orderID, statusAndReason(o))
		return exitError{err, exitNotConfirmed}
	}
	return nil
}

func statusAndReason(o client.Order) string { return strings.TrimSpace(o.Status + " " + o.Why()) }
