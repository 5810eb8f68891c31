package handler

import (
	"context"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/function"
)

// Handlers returns catalog's functions by name, over use cases built by the caller. exportKey
// returns the key of export-products.
func Handlers(svc *catalog.Service, exportKey func(context.Context) ([]byte, error)) map[string]function.Handler {
	return map[string]function.Handler{
		"export-products": exportProducts(svc, exportKey),
		"get-product":     getProduct(svc),
		"list-products":   listProducts(svc),
		"put-product":     putProduct(svc),
	}
}
