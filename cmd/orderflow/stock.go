package main

import (
	"context"
	"crypto/rand"
	"errors"
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
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.api("")
			if err != nil {
				return err
			}
			s, err := c.GetStock(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.showStock(cmd, s)
		},
	}
}

func setStock(a *app) *cobra.Command {
	var reason string
	var unlisted bool
	cmd := &cobra.Command{
		Use:   "set SKU ON-HAND",
		Short: "Correct how many pieces of a product are on hand (operators)",
		Long: `Correct how many pieces of a product are on hand, for instance after counting. Count what is reserved, too: it is still in the warehouse.
The difference to what is known now is booked as an adjustment; what orders move in the same moment is added to it, not lost.

A SKU that has neither stock nor a product in the catalog is refused, since it is most likely misspelt; --unlisted insists on it. Operators only.`,
		Example: `  orderflow stock set MUG-BLUE 100
  orderflow stock set MUG-BLUE 98 --reason "Two broke"`,
		Args: exactly("SKU", "ON-HAND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			want, err := strconv.Atoi(args[1])
			if err != nil || want < 0 {
				return usage("%q is no number of pieces: give 0 or more", args[1])
			}
			c, err := a.api(operator)
			if err != nil {
				return err
			}
			adjustment := client.Adjustment{Reason: reason}
			s, err := c.GetStock(cmd.Context(), args[0])
			var p *client.Problem
			if errors.As(err, &p) && p.Status == http.StatusNotFound {
				s, err = client.Stock{SKU: args[0]}, nil // its stock begins with the first adjustment
				// Inventory learns of a product by an event, which may be on its way: the catalog itself knows.
				adjustment.AllowUnknownSKU = true
				if !unlisted {
					err = listed(cmd.Context(), c, args[0])
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
	cmd.Flags().BoolVar(&unlisted, "unlisted", false, "keep stock of a SKU that no product in the catalog has")
	cmd.Flags().StringVar(&reason, "reason", "Set by the command line", "why, for the record")
	return cmd
}

// listed fails where the catalog has no product with a SKU.
func listed(ctx context.Context, c *client.Client, sku string) error {
	_, err := c.GetProduct(ctx, sku)
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return usage("the catalog has no product %s; create it by `orderflow product put`, or insist with --unlisted", sku)
	}
	return err
}

func (a *app) showStock(cmd *cobra.Command, s client.Stock) error {
	return a.print(cmd, s, func(w io.Writer) {
		row(w, "SKU", "ON HAND", "RESERVED", "SHIPPED", "AVAILABLE")
		row(w, s.SKU, s.OnHand, s.Reserved, s.Shipped, s.Available)
	})
}
