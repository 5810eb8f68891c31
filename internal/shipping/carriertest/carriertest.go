// Package carriertest is the contract suite for carriers.
package carriertest

import (
	"errors"
	"testing"

	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// Run runs the suite. open returns a carrier without shipments.
func Run(t *testing.T, open func(t *testing.T) shipping.Carrier) {
	cases := map[string]func(*testing.T, shipping.Carrier){
		"SameKeyGivesTheSameShipment":             sameKey,
		"RepeatedCancelReturnsTheShipment":        cancels,
		"CancelWithoutAShipmentBarsLaterBookings": tombstone,
		"CancelBarsAnotherBooking":                again,
		"CancelLeavesOtherReferences":             apart,
	}
	for name, run := range cases {
		t.Run(name, func(t *testing.T) { run(t, open(t)) })
	}
}

func booking(reference, key string) shipping.Booking {
	return shipping.Booking{
		Reference: reference, IdempotencyKey: key, Items: []contract.Line{{SKU: "MUG-BLUE", Quantity: 2}},
		Address: contract.Address{
			Name: "Ada", Line1: "1 Main Street", Line2: "Flat 4", City: "Dubai", Region: "DU", Country: "AE",
		},
	}
}

func book(t *testing.T, c shipping.Carrier, reference, key string) shipping.Consignment {
	t.Helper()
	sh, err := c.Book(t.Context(), booking(reference, key))
	if err != nil || sh.ID == "" || sh.Reference != reference {
		t.Fatalf("Book = %+v, %v", sh, err)
	}
	return sh
}

func cancel(t *testing.T, c shipping.Carrier, reference string) (shipping.Consignment, bool) {
	t.Helper()
	sh, found, err := c.Cancel(t.Context(), reference, "cancel-"+reference)
	if err != nil {
		t.Fatalf("Cancel: %v", err)
	}
	return sh, found
}

func sameKey(t *testing.T, c shipping.Carrier) {
	if first, second := book(t, c, "a", "1"), book(t, c, "a", "1"); first != second {
		t.Errorf("the same key gave %+v, then %+v", first, second)
	}
}

func cancels(t *testing.T, c shipping.Carrier) {
	sh := book(t, c, "a", "1")
	for range 2 {
		if got, found := cancel(t, c, "a"); !found || got != sh {
			t.Errorf("Cancel = %+v, %v; want %+v", got, found, sh)
		}
	}
}

func tombstone(t *testing.T, c shipping.Carrier) {
	if sh, found := cancel(t, c, "a"); found {
		t.Errorf("Cancel without a shipment found %+v", sh)
	}
	if _, err := c.Book(t.Context(), booking("a", "late")); !errors.Is(err, shipping.ErrReferenceCancelled) {
		t.Errorf("Book after Cancel: %v, want ErrReferenceCancelled", err)
	}
	if sh, found := cancel(t, c, "a"); found {
		t.Errorf("the late booking left shipment %+v", sh)
	}
}

func again(t *testing.T, c shipping.Carrier) {
	book(t, c, "a", "1")
	cancel(t, c, "a")
	if _, err := c.Book(t.Context(), booking("a", "2")); !errors.Is(err, shipping.ErrReferenceCancelled) {
		t.Errorf("Book after Cancel: %v, want ErrReferenceCancelled", err)
	}
}

func apart(t *testing.T, c shipping.Carrier) {
	cancel(t, c, "b")
	book(t, c, "a", "1")
}
