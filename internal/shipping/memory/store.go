// Package memory is shipping's store in memory, and a carrier in memory.
package memory

import (
	"context"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/shipping"
)

// Store implements shipping.Store.
type Store struct {
	*memdb.Log
	shipments *memdb.Items[shipping.Shipment]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{log, memdb.NewItems[shipping.Shipment](log, "shipment", nil)}
}

// Shipment returns an order's shipment.
func (s *Store) Shipment(_ context.Context, orderID string) (sh shipping.Shipment, err error) {
	s.View(func() {
		var ok bool
		if sh, ok = s.shipments.Find(orderID); !ok {
			err = shipping.ErrNoShipment
		}
	})
	return sh, err
}

// Save writes a shipment's next version.
func (s *Store) Save(_ context.Context, sh shipping.Shipment, with commit.With) error {
	return s.Commit(with, func() error {
		if s.shipments.Get(sh.OrderID).Version != sh.Version-1 {
			return fault.ErrLostRace
		}
		s.shipments.Save(sh.OrderID, sh)
		return nil
	})
}

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}
