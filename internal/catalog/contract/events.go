// Package contract is what catalog publishes: its event with its schema. Other services
// import nothing else of catalog.
package contract

import (
	"embed"

	"orderflow/internal/platform/money"
)

// ProductPriceChanged is the type of the event that a product is new, or has a new name or price.
const ProductPriceChanged = "orderflow.catalog.product.price-changed.v1"

// PriceChanged is its data: the product as it is from now on.
type PriceChanged struct {
	SKU  string `json:"sku"`
	Name string `json:"name"`
	// Price is what one piece costs.
	Price money.Money `json:"price"`
	// Version counts the product's changes, from 1. It is the event's aggregateversion too:
	// whoever knows a higher one drops the event.
	Version int64 `json:"version"`
}

// Schemas holds a JSON Schema for each event type.
//
//go:embed *.schema.json
var Schemas embed.FS
