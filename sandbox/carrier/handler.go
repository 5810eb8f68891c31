package carrier

import (
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
	mux.Handle("POST /shipments/{reference}/cancel", web.Handle(func(r *http.Request) (int, any, error) {
		reference, err := web.Reference(r.PathValue("reference"))
		if err != nil {
			return 0, nil, err
		}
		s, err := c.Cancel(r.Context(), reference)
		return http.StatusOK, map[string]*Shipment{"shipment": s}, err
	}))
	mux.Handle("GET /shipments", web.Handle(func(r *http.Request) (int, any, error) {
		reference, err := web.Reference(r.URL.Query().Get("reference"))
		if err != nil {
			return 0, nil, err
		}
		found, err := c.Shipments(r.Context(), reference)
		return http.StatusOK, map[string][]Shipment{"shipments": found}, err
	}))
	mux.Handle("/", web.NoRoute())
	return mux
}

func (c *Carrier) serveBook(r *http.Request) (int, any, error) {
	in, err := web.Decode[Request](r)
	if err != nil {
		return 0, nil, err
	}
	if err := in.validate(); err != nil {
		return 0, nil, err
	}
	key, err := web.Idempotency(r, "shipments", in)
	if err != nil {
		return 0, nil, err
	}
	s, err := c.Book(r.Context(), key, in, tracing.Parent(r.Context()))
	return http.StatusAccepted, s, err
}

func (in Request) validate() error {
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
		return web.Invalid("there are no items to ship")
	}
	if a.PostalCode == postalNotServed {
		return &web.Error{Status: http.StatusUnprocessableEntity, Code: "address_not_served", Message: "we do not deliver there"}
	}
	return nil
}
