package memory

import (
	"context"
	"fmt"
	"sync"

	"orderflow/internal/shipping"
)

// Carrier is a carrier in memory, with a book to look into. It keeps to the contract of
// shipping.Carrier to the letter: above all it repeats its first answer to an idempotency key, even
// if the shipment was cancelled since. It never calls back; that is the test's to do.
type Carrier struct {
	mu        sync.Mutex
	shipments map[string]shipping.Consignment // by reference
	cancelled map[string]bool                 // references with a tombstone
	answers   map[string]answer               // by idempotency key
}

type answer struct {
	consignment shipping.Consignment
	err         error
}

// NewCarrier returns a carrier without shipments.
func NewCarrier() *Carrier {
	return &Carrier{shipments: map[string]shipping.Consignment{}, cancelled: map[string]bool{},
		answers: map[string]answer{}}
}

// Book takes a shipment.
func (c *Carrier) Book(_ context.Context, b shipping.Booking) (shipping.Consignment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.answers[b.IdempotencyKey]; ok {
		return first.consignment, first.err
	}
	sh, ok := c.shipments[b.Reference]
	var err error
	switch {
	case c.cancelled[b.Reference]:
		sh, err = shipping.Consignment{}, shipping.ErrReferenceCancelled
	case !ok:
		sh = shipping.Consignment{ID: fmt.Sprintf("shp_%d", len(c.shipments)+1), Reference: b.Reference}
		c.shipments[b.Reference] = sh
	}
	c.answers[b.IdempotencyKey] = answer{sh, err}
	return sh, err
}

// Cancel calls off whatever there is, and bars what may still come.
func (c *Carrier) Cancel(_ context.Context, reference, _ string) (shipping.Consignment, bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancelled[reference] = true
	sh, ok := c.shipments[reference]
	return sh, ok, nil
}

// WillShip reports whether there is a shipment under the reference that was not cancelled.
func (c *Carrier) WillShip(reference string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.shipments[reference]
	return ok && !c.cancelled[reference]
}
