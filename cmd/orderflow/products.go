package main

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/bojanz/currency"
	"github.com/spf13/cobra"

	"orderflow/internal/ops/client"
	"orderflow/internal/platform/money"
)

func products(a *app) *cobra.Command {
	return group(&cobra.Command{
		Use:     "product",
		Short:   "List, create and change products",
		Example: "  orderflow product list\n  orderflow product put MUG-BLUE --name \"Blue mug\" --price 19.99",
	}, putProduct(a), listProducts(a))
}

func putProduct(a *app) *cobra.Command {
	var in client.ProductValues
	var price, code, text, image, category string
	var unlisted bool
	cmd := &cobra.Command{
		Use:   "put SKU --name NAME --price PRICE",
		Short: "Create or change a product (operators)",
		Long: `Create a product, or change it. Values without a flag stay as they are; an empty text,
image or category is removed. Orders use a new price as soon as its event has arrived. A new product has
no stock: see "orderflow stock set". Operators only.`,
		Example: `  orderflow product put MUG-BLUE --name "Blue mug" --price 19.99
  orderflow product put BOWL --name "Bowl" --price 1200 --currency JPY
  orderflow product put MUG-BLUE --name "Blue mug" --price 19.99 --category Mugs --unlisted=false`,
		Args: exactly("SKU"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if in.Name == "" || price == "" {
				return usage("a product needs --name and --price")
			}
			var err error
			if in.Price, err = parseAmount("--price", price, code); err != nil {
				return err
			}
			in.Text, in.ImageURL = given(cmd, "text", &text), given(cmd, "image-url", &image)
			in.Category, in.Unlisted = given(cmd, "category", &category), given(cmd, "unlisted", &unlisted)
			c, err := a.api(operator)
			if err != nil {
				return err
			}
			p, err := c.PutProduct(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return a.print(cmd, p, func(w io.Writer) { showProduct(w, p) })
		},
	}
	cmd.Flags().StringVar(&in.Name, "name", "", "name as customers see it")
	cmd.Flags().StringVar(&price, "price", "", "`price` of one piece, such as 19.99")
	cmd.Flags().StringVar(&code, "currency", "EUR", "`currency` of the price, ISO 4217")
	cmd.Flags().StringVar(&text, "text", "", "`text` for customers")
	cmd.Flags().StringVar(&image, "image-url", "", "`address` of a picture, https")
	cmd.Flags().StringVar(&category, "category", "", "`category` of the shop")
	cmd.Flags().BoolVar(&unlisted, "unlisted", false, "leave it out of lists; it can still be read and ordered")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "`why`, for the audit log")
	return cmd
}

// given returns the value of a flag, or nil if the flag was not given.
func given[T any](cmd *cobra.Command, flag string, value *T) *T {
	if cmd.Flags().Changed(flag) {
		return value
	}
	return nil
}

// parseAmount parses an amount such as 19.99, with no more decimals than the currency has.
func parseAmount(flag, price, code string) (money.Money, error) {
	amount, err := currency.NewAmount(price, code)
	if err != nil {
		return money.Money{}, usage("%s %s --currency %s: %w", flag, price, code, err)
	}
	if !amount.Round().Equal(amount) {
		return money.Money{}, usage("%s %s has more decimals than %s", flag, price, code)
	}
	minor, err := amount.Int64()
	if err != nil || minor < 0 {
		return money.Money{}, usage("%s %s is out of range", flag, price)
	}
	return money.Of(code, minor)
}

func listProducts(a *app) *cobra.Command {
	var p pageFlags
	var name string
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List products and their prices, or find them by their names",
		Example: "  orderflow product list\n  orderflow product list --name \"blue m\" --limit 100 -o json",
		Args:    exactly(),
		RunE: a.withAPI("", func(cmd *cobra.Command, _ []string, c *client.Client) error {
			page, err := c.ListProducts(cmd.Context(), p.limit, p.cursor, name)
			if err != nil {
				return err
			}
			return a.printPage(cmd, page, page.Cursor, func(w io.Writer) {
				showProducts(w, page.Products, statuses(cmd.Context(), c, page.Products))
			})
		}),
	}
	p.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "only products whose name has, for each `word`, a word that begins so")
	return cmd
}

// statuses returns whether products are in stock, by SKU. A list is shown without it if inventory
// does not answer.
func statuses(ctx context.Context, c *client.Client, products []client.Product) map[string]string {
	found := map[string]string{}
	for some := range slices.Chunk(products, 50) {
		var skus []string
		for _, p := range some {
			skus = append(skus, p.SKU)
		}
		all, _ := c.ListAvailability(ctx, skus...)
		for _, a := range all {
			found[a.SKU] = a.Status
		}
	}
	return found
}

func showProducts(w io.Writer, products []client.Product, status map[string]string) {
	row(w, "SKU", "NAME", "PRICE", "STOCK", "VERSION")
	for _, p := range products {
		row(w, p.SKU, p.Name, p.Price, cmp.Or(status[p.SKU], "-"), p.Version)
	}
}

func showProduct(w io.Writer, p client.Product) {
	row(w, "SKU", "NAME", "PRICE", "VERSION")
	row(w, p.SKU, p.Name, p.Price, p.Version)
}
