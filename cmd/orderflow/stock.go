package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
)

func stock(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:     "stock",
		Short:   "Read and correct stock",
		Example: "  orderflow stock get MUG-BLUE\n  orderflow stock set MUG-BLUE 100",
	}, getStock(a), setStock(a))
}

func getStock(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "get SKU",
		Short:   "Read the stock of a product",
		Example: "  orderflow stock get MUG-BLUE\n  orderflow stock get MUG-BLUE -o json",
		Args:    exactly("SKU"),
		RunE: a.withAPI("", func(cmd *cobra.Command, args []string, c *client.Client) error {
			s, err := c.GetStock(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.showStock(cmd, s)
		}),
	}
}

func setStock(a *app) *cobra.Command {
	var reason string
	var unlisted bool
	cmd := &cobra.Command{
		Use:   "set SKU ON-HAND",
		Short: "Correct the quantity on hand of a product (operators)",
		Long: `Correct the quantity on hand of a product, for instance after counting. Include reserved pieces:
they are still in the warehouse. The difference from the current quantity is booked as an
adjustment, so concurrent orders are not lost.

A SKU without stock and without a product in the catalog is refused, since it is probably misspelt;
--unlisted accepts it. Operators only.`,
		Example: `  orderflow stock set MUG-BLUE 100
  orderflow stock set MUG-BLUE 98 --reason "Two broke"`,
		Args: exactly("SKU", "ON-HAND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := strconv.Atoi(args[1])
			if err != nil || want < 0 {
				return usage("%q is not a quantity: give 0 or more", args[1])
			}
			c, err := a.api(operator)
			if err != nil {
				return err
			}
			adjustment := client.Adjustment{Reason: reason}
			s, err := countStock(cmd.Context(), c, args[0])
			var p *client.Problem
			if errors.As(err, &p) && p.Status == http.StatusNotFound {
				s, err = client.Stock{SKU: args[0]}, nil // the first adjustment creates the stock
				// Inventory learns of new products by events, which may still be on their way. The
				// catalog is up to date.
				adjustment.AllowUnknownSKU = true
				if !unlisted {
					err = requireProduct(cmd.Context(), c, args[0])
				}
			}
			if err != nil {
				return err
			}
			if adjustment.Delta = want - s.OnHand; adjustment.Delta != 0 {
				if s, err = c.AdjustStock(cmd.Context(), rand.Text(), args[0], adjustment); err != nil {
					return err
				}
			}
			return a.showStock(cmd, s)
		},
	}
	cmd.Flags().BoolVar(&unlisted, "unlisted", false, "accept a SKU that is not in the catalog")
	cmd.Flags().StringVar(&reason, "reason", "Set by the command line", "why, for the audit log")
	return cmd
}

// countStock reads the stock of a product until no order moves pieces meanwhile. The difference to
// an inexact count could include a piece that has just left the warehouse.
func countStock(ctx context.Context, c *client.Client, sku string) (s client.Stock, err error) {
	for range 5 {
		if s, err = c.GetStock(ctx, sku); err != nil || !s.Moving {
			return s, err
		}
	}
	return s, fmt.Errorf("orders keep moving pieces of %s, so they cannot be counted; nothing was changed. "+
		"Try again when fewer orders arrive", sku)
}

// requireProduct returns an error if the catalog has no product with a SKU.
func requireProduct(ctx context.Context, c *client.Client, sku string) error {
	_, err := c.GetProduct(ctx, sku)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return usage("the catalog has no product %s; create it with `orderflow product put`, or give --unlisted", sku)
	}
	return err
}

func (a *app) showStock(cmd *cobra.Command, s client.Stock) error {
	return a.print(cmd, s, func(w io.Writer) {
		row(w, "SKU", "ON HAND", "RESERVED", "SHIPPED", "AVAILABLE")
		row(w, s.SKU, s.OnHand, s.Reserved, s.Shipped, s.Available)
		if s.Moving {
			_, _ = fmt.Fprintln(w, "Orders moved pieces during the count: only their sum is exact.")
		}
	})
}
