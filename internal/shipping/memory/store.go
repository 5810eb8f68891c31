// Package memory has shipping's in-memory store.
package memory

import (
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/shipping"
)

// Store implements shipping.Store.
type Store = memdb.Store[shipping.Shipment]

// New returns an empty store.
func New(c clock.Clock) *Store {
	return memdb.NewStore[shipping.Shipment](c, "shipment", shipping.ErrNoShipment)
}
