package strangler

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/gateway"
)

// Messages of log lines that operators search for. Each has the attribute route.
const (
	// LogDiffers also has fields and products, as in Difference.
	LogDiffers = "the two shops answer differently"
	// LogFellBack also has the error.
	LogFellBack = "the old shop serves what the new side failed to"
)

// Exports reads products of the new side without a customer, since a queue must not hold tokens.
type Exports interface {
	// ProductsBySKU returns up to 50 products. Unknown ones are left out.
	ProductsBySKU(ctx context.Context, skus []string) ([]gateway.Product, error)
}

// Comparison compares answers of the old shop with what the new side has.
type Comparison struct {
	routes  Routes
	exports Exports
}

// NewComparison returns a comparison that translates by the table of routes.
func NewComparison(r Routes, e Exports) *Comparison { return &Comparison{r, e} }

// Difference is where two answers differ. It has no values.
type Difference struct {
	// Fields are the paths of the fields, such as products[].price, sorted. A product that only the
	// old shop has is products[] on a page and product by itself.
	Fields []string
	// Products are the ids of the products that differ, in their order.
	Products []string
}

// Compare asks the new side for the products of an answer and returns where the two sides differ.
// The order of a page and its next_page are not compared: the sides sort and page differently. A
// product that changes between the two reads differs once.
func (c *Comparison) Compare(ctx context.Context, s Shadowed) (Difference, error) {
	old, err := s.products()
	if err != nil || len(old) == 0 {
		return Difference{}, err
	}
	table := c.routes.Current(ctx)
	var skus []string
	for _, p := range old {
		if sku, ok := table.SKU(p.ProductID); ok {
			skus = append(skus, sku)
		}
	}
	translated := map[string]Product{}
	if len(skus) > 0 {
		found, err := c.exports.ProductsBySKU(ctx, skus)
		if err != nil {
			return Difference{}, err
		}
		for _, p := range found {
			translated[table.ProductID(p.SKU)] = table.product(p)
		}
	}
	at, whole := "products[].", "products[]"
	if s.Route == ReadProduct {
		at, whole = "", "product"
	}
	var d Difference
	for _, p := range old {
		fields := []string{whole}
		if other, ok := translated[p.ProductID]; ok {
			fields = differing(at, p, other)
		}
		if len(fields) > 0 {
			d.Fields, d.Products = append(d.Fields, fields...), append(d.Products, p.ProductID)
		}
	}
	slices.Sort(d.Fields)
	d.Fields = slices.Compact(d.Fields)
	return d, nil
}

// products returns the products of the answer, which has been through JSON.
func (s Shadowed) products() ([]Product, error) {
	text, err := json.Marshal(s.Answer)
	if err != nil {
		return nil, err
	}
	switch s.Route {
	case ReadProduct:
		var p Product
		err = json.Unmarshal(text, &p)
		return []Product{p}, err
	case ListProducts:
		var page ProductPage
		err = json.Unmarshal(text, &page)
		return page.Products, err
	default:
		return nil, fmt.Errorf("answers of %q are not compared", s.Route)
	}
}

// differing returns the paths of the fields in which two products differ after normalising.
func differing(at string, a, b Product) (paths []string) {
	for _, f := range []struct{ name, a, b string }{
		{"article_no", a.ArticleNo, b.ArticleNo},
		{"title", spaced(a.Title), spaced(b.Title)},
		{"price", amount(a.Price), amount(b.Price)},
		{"currency", a.Currency, b.Currency},
	} {
		if f.a != f.b {
			paths = append(paths, at+f.name)
		}
	}
	return paths
}

// spaced has one space where a text has white space.
func spaced(text string) string { return strings.Join(strings.Fields(text), " ") }

var decimalText = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)

// amount has one text for each amount, so that 19.9 is 19.90.
func amount(text string) string {
	if !decimalText.MatchString(text) {
		return text
	}
	value, _ := new(big.Rat).SetString(text) // decimal text always parses
	return value.RatString()
}
