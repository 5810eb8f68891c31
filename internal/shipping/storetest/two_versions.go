package storetest

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
)

// RunTwoVersions runs the suite of a gradual release: what a newer version adds to an item survives whatever the store writes.
func RunTwoVersions(t *testing.T, open func(t *testing.T, c clock.Clock) (shipping.Store, storesuite.Newer)) {
	storesuite.RunTwoVersions(t, open, map[string]storesuite.Kind[shipping.Store]{
		"Shipment": {
			Write: func(t *testing.T, s shipping.Store) { save(t, s, requested("1", 1)) },
			Rewrite: func(t *testing.T, s shipping.Store) {
				booked := requested("1", 2)
				booked.Status, booked.TrackingNumber, booked.ResumeToken = shipping.StatusBooked, "T", "token"
				save(t, s, booked)
				cancelled := requested("1", 3)
				cancelled.Status = shipping.StatusCancelled
				save(t, s, cancelled)
				want(t, s, cancelled)
			},
		},
	})
}
