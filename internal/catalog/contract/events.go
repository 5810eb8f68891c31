// Package contract is what catalog publishes: its event with its schema, and the API's answers
// about products. Other services import nothing else of catalog.
package contract

import (
	"embed"

	"orderflow/internal/platform/money"
)

// ProductPriceChanged is the type of the event of a new product, or a new name or price.
const ProductPriceChanged = "orderflow.catalog.product.price-changed.v1"

// PriceChanged is the data of ProductPriceChanged: the new state of the product.
type PriceChanged struct {
	SKU  string `json:"sku"`
	Name string `json:"name"`
	// Price is the price of one piece.
	Price money.Money `json:"price"`
	// Version counts the product's changes, from 1. It is also the event's aggregateversion: a
	// consumer that has seen a higher one drops the event.
	Version int64 `json:"version"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS
