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
		Long: `Place an order. The answer comes when it is written down; with --wait the command follows it until it is final, and ends with 3
if that is not CONFIRMED. Prices are the shop's; with --expect-total the order is placed at that total or not at all.

Whoever gets no answer may place the order again with the same --idempotency-key: it is not taken twice.`,
		Example: `  orderflow order place --item MUG-BLUE=2 --item TEA-EARL-GREY=1 --wait
  orderflow order place --item MUG-BLUE=1 --payment-method pm_card_visa_chargeDeclined --wait
  orderflow order place --item MUG-BLUE=2 --expect-total 39.98
  orderflow order place --item MUG-BLUE=1 --postal-code 00000 --user bob
  orderflow order place --item MUG-BLUE=1 --line1 "1 Sample Street" --line2 "Apt 4" --city Springfield --region IL --postal-code 62701 --country US`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if r.Items, err = parseItems(items); err != nil {
				return err
			}
			if cmd.Flags().Changed("country") && !cmd.Flags().Changed("postal-code") {
				r.ShippingAddress.PostalCode = "" // the default is one of Berlin
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
			if err != nil && (!errors.As(err, &p) || p.Temporary()) {
				return fmt.Errorf("%w\nTo be sure, place it again with --idempotency-key %s", err, key)
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
	f.StringArrayVar(&items, "item", nil, "`SKU=QUANTITY` to order; once for each product")
	f.StringVar(&r.PaymentMethod, "payment-method", "pm_card_visa", "`token` of the payment method, as the provider gave it")
	to := &r.ShippingAddress
	f.StringVar(&to.Name, "name", "Ada Lovelace", "who receives it")
	f.StringVar(&to.Line1, "line1", "12 St James Square", "street and number")
	f.StringVar(&to.Line2, "line2", "", "second line, such as a flat or a floor")
	f.StringVar(&to.City, "city", "Berlin", "city")
	f.StringVar(&to.Region, "region", "", "state, province or the like, where addresses have one")
	f.StringVar(&to.PostalCode, "postal-code", "10115", "postal code; with --country, none unless given")
	f.StringVar(&to.Country, "country", "DE", "country as in ISO 3166-1 alpha-2")
	f.StringVar(&expected, "expect-total", "", "`total` to which you agree, such as 39.98; if the order costs anything else, nothing is ordered")
	f.StringVar(&currency, "currency", "EUR", "currency of --expect-total as in ISO 4217")
	f.StringVar(&key, "idempotency-key", "", "`key` by which a repeated call is known (default: a random one)")
	f.BoolVar(&wait, "wait", false, "follow the order until it is final")
	f.DurationVar(&limit, "timeout", 2*time.Minute, "how long --wait waits at most")
	return cmd
}

// parseItems reads lines such as MUG-BLUE=2.
func parseItems(items []string) ([]client.Item, error) {
	if len(items) == 0 {
		return nil, usage("nothing to order: give --item SKU=QUANTITY, once for each product; `orderflow product list` shows what there is")
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

// follow tells every change of an order until it is final, for limit at most.
func (a *app) follow(cmd *cobra.Command, c *client.Client, orderID string, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), limit)
	defer cancel()
	begin := time.Now()
	o, err := c.WaitFinal(ctx, orderID, func(o client.Order) {
		if a.output == "table" {
			fmt.Fprintf(cmd.OutOrStdout(), "%8.1f s  %s\n", time.Since(begin).Seconds(), strings.TrimSpace(o.Status+" "+o.Why()))
		}
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w\n`orderflow saga show %s` shows where it is", err, orderID)
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
		return coded{fmt.Errorf("order %s ended as %s; `orderflow saga show %s` shows why", orderID, strings.TrimSpace(o.Status+" "+o.Why()), orderID), exitUnlike}
	}
	return nil
}
