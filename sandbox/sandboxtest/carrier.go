package sandboxtest

import (
	"context"
	"net/http"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/memory"
)

// Carrier is the sandbox's carrier, which never calls back. It implements http.Handler.
type Carrier struct {
	http.Handler
	shipments *memory.Store
}

// NewCarrier returns a carrier without shipments.
func NewCarrier(c clock.Clock) *Carrier {
	shipments := memory.New(c)
	return &Carrier{carrier.Handler(shipments, c, &numbers{}), shipments}
}

// WillShip reports whether the reference has a shipment that is not cancelled.
func (c *Carrier) WillShip(reference string) bool {
	e := must(c.shipments.Entry(context.Background(), reference))
	return e.Shipment != nil && e.Shipment.Status != carrier.StatusCancelled
}
