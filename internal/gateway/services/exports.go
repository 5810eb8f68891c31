package services

import (
	"context"
	"net/http"

	"orderflow/internal/gateway"
	"orderflow/internal/platform/httpclient"
)

// Exports reads products without a customer's token, with the key of the catalog's export.
type Exports struct {
	catalog *httpclient.Client
	key     func(context.Context) ([]byte, error)
}

// NewExports returns the catalog's export. c is the configuration of calls to the catalog.
func NewExports(c httpclient.Config, key func(context.Context) ([]byte, error)) Exports {
	c.Timeout = gateway.SummaryTimeout
	return Exports{catalog: httpclient.New(c), key: key}
}

// ProductsBySKU returns up to 50 products. Unknown ones are left out.
func (e Exports) ProductsBySKU(ctx context.Context, skus []string) ([]gateway.Product, error) {
	key, err := e.key(ctx)
	if err != nil {
		return nil, err
	}
	var found gateway.ProductPage
	err = e.catalog.Do(ctx, httpclient.Request{
		Method: http.MethodGet, Path: "/v1/exports/products?" + list("skus", skus).Encode(),
		Header: http.Header{"X-Export-Key": {string(key)}},
	}, &found)
	return found.Products, err
}
