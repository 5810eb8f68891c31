// Package handler composes catalog's functions, one constructor each.
package handler

import (
	"orderflow/internal/catalog"
	"orderflow/internal/platform/function"
)

// Handlers returns catalog's functions by name, over use cases built by the caller.
func Handlers(svc *catalog.Service) map[string]function.Handler {
	return map[string]function.Handler{
		"get-product":   getProduct(svc),
		"list-products": listProducts(svc),
		"put-product":   putProduct(svc),
	}
}
