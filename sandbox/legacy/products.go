package legacy

import (
	"fmt"
	"time"
)

// product is a product, for sale in euros. The shop's numbers and prices never change.
type product struct {
	id, article, title string
	cents              int64
}

// products are all products. The new catalog has the same products, by article number.
var products = []product{
	{"1001", "MUG-BLUE", "Mug, blue", 1999},
	{"1002", "SHIRT-M", "Shirt, size M", 2500},
	{"1003", "LAMP-RARE", "Lamp, the last one", 14900},
	{"1004", "POSTER-A2", "Poster, A2", 1200},
	{"1005", "TEAPOT", "Teapot, cast iron", 5900},
	{"1006", "NOTEBOOK", "Notebook, dotted", 890},
}

func productOf(id string) (product, bool) {
	for _, p := range products {
		if p.id == id {
			return p, true
		}
	}
	return product{}, false
}

// before are a customer's earlier orders: one of each state except paid and failed.
var before = []Order{
	{State: StateShipped, PlacedAt: old(3), Lines: []Line{{"1001", 2, 1799}, {"1004", 1, 1200}}},
	{State: StateCancelled, PlacedAt: old(17), Lines: []Line{{"1005", 1, 5900}}, CancelNote: "changed my mind"},
	{State: StateNew, PlacedAt: old(29), Lines: []Line{{"1002", 3, 2500}}},
}

func old(day int) time.Time { return time.Date(2019, time.November, day, 9, 30, 0, 0, time.UTC) }

// decimal writes cents as an amount of euros.
func decimal(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// listed is the price in the list of products. BUG, kept because clients rely on it: the list
// computes in floating point and truncates after the cent, so 19.99 becomes 19.98.
func (p product) listed() string {
	euros := float64(p.cents) / 100
	return decimal(int64(euros * 100))
}

// labelWidth is how much of a title fits the labels of 1998.
const labelWidth = 16

// label is the title in the page of one product. BUG, kept for the same reason: it is cut like a
// label.
func (p product) label() string { return p.title[:min(labelWidth, len(p.title))] }
