package carrier

import (
	"context"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/tracing"
	"orderflow/sandbox/web"
)

// Handler serves the carrier's HTTP API over its store.
func Handler(store Store, clk clock.Clock, source ids.Source) http.Handler {
	c := New(store, clk, source)
	mux := http.NewServeMux()
	mux.Handle("POST /shipments", web.Handle(c.serveBook))
	cancel := func(ctx context.Context, reference string) (any, error) {
		s, err := c.Cancel(ctx, reference)
		return map[string]*Shipment{"shipment": s}, err
	}
	mux.Handle("POST /shipments/{reference}/cancel", web.HandleReference(cancel))
	list := func(ctx context.Context, reference string) (any, error) {
		found, err := c.Shipments(ctx, reference)
		return map[string][]Shipment{"shipments": found}, err
	}
	mux.Handle("GET /shipments", web.HandleReference(list))
	mux.Handle("/", web.NoRoute())
	return mux
}

func (c *Carrier) serveBook(r *http.Request) (int, any, error) {
	in, key, err := web.Decode[Request](r, "shipments")
	if err != nil {
		return 0, nil, err
	}
	s, err := c.Book(r.Context(), key, in, tracing.Parent(r.Context()))
	return http.StatusAccepted, s, err
}

// Validate returns an error if the request violates the contract or the address is not served.
func (in Request) Validate() error {
	if _, err := web.Reference(in.Reference); err != nil {
		return err
	}
	a := in.Address
	for _, part := range []string{a.Name, a.Line1, a.City, a.Country} {
		if part == "" {
			return web.Invalid("address needs name, line1, city and country")
		}
	}
	for _, i := range in.Items {
		if i.SKU == "" || i.Quantity < 1 {
			return web.Invalid("an item needs a sku and a quantity of at least 1")
		}
	}
	if len(in.Items) == 0 {
		return web.Invalid("items is empty")
	}
	if a.PostalCode == postalNotServed {
		const code = "address_not_served"
		return &web.Error{Status: http.StatusUnprocessableEntity, Code: code,
			Message: "we do not deliver to this address"}
	}
	return nil
}
