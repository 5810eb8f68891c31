// Package assortment has the products of a sample shop.
package assortment

// Product is a product with its price in cents (EUR) and the pieces in stock.
type Product struct {
	SKU, Name string
	Cents     int64
	Pieces    int
}

// Products are what the shop sells. There is one LAMP-RARE, so that stock can run out.
var Products = []Product{
	{"MUG-BLUE", "Mug, blue", 1999, 500},
	{"SHIRT-M", "Shirt, size M", 2500, 500},
	{"LAMP-RARE", "Lamp, the last one", 14900, 1},
	{"POSTER-A2", "Poster, A2", 1200, 500},
	{"TEAPOT", "Teapot, cast iron", 5900, 500},
	{"NOTEBOOK", "Notebook, dotted", 890, 500},
}
