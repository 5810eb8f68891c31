// Package memory has shipping's in-memory store.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/shipping"
)

// Store implements shipping.Store.
type Store struct {
	*memdb.Log
	shipments memdb.Versioned[shipping.Shipment]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{log, memdb.NewVersioned[shipping.Shipment](log, "shipment", shipping.ErrNoShipment, nil)}
}

// Shipment returns an order's shipment.
func (s *Store) Shipment(_ context.Context, orderID string) (shipping.Shipment, error) {
	return s.shipments.Get(orderID)
}

// Save writes a shipment's next version.
func (s *Store) Save(_ context.Context, sh shipping.Shipment, with commit.With) error {
	return s.shipments.Save(sh, with)
}

// Shipments returns shipments.
func (s *Store) Shipments(_ context.Context, orderIDs []string) ([]shipping.Shipment, error) {
	return s.shipments.GetMany(orderIDs)
}
