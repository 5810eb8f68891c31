package storetest

import (
	"testing"

	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
)

// TwoVersions are the kinds of items whose unknown attributes survive whatever the store writes;
// see storesuite.RunTwoVersions.
var TwoVersions = map[string]storesuite.Kind[Store]{
	"Shipment": {
		Write: func(t *testing.T, s Store) { save(t, s, requested("1", 1)) },
		Rewrite: func(t *testing.T, s Store) {
			booked := requested("1", 2)
			booked.Status, booked.TrackingNumber, booked.ResumeToken = shipping.StatusBooked, "T", "token"
			save(t, s, booked)
			cancelled := requested("1", 3)
			cancelled.Status = shipping.StatusCancelled
			save(t, s, cancelled)
			want(t, s, cancelled)
		},
	},
}
