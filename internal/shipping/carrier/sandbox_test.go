package carrier_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/registry"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carrier"
	"orderflow/internal/shipping/contract"
	"orderflow/sandbox/sandboxtest"
)

// open returns a carrier that calls the sandbox, without shipments.
func open(t *testing.T) carrier.Carrier {
	t.Helper()
	server := httptest.NewServer(sandboxtest.NewCarrier(clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))))
	t.Cleanup(server.Close)
	return at(registry.Fixed{carrier.Name: server.URL})
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

func TestSameKeyReturnsTheSameShipment(t *testing.T) {
	c := open(t)
	if first, second := book(t, c, "a", "1"), book(t, c, "a", "1"); first != second {
		t.Errorf("the same key gave %+v, then %+v", first, second)
	}
}

func TestRepeatedCancelReturnsTheShipment(t *testing.T) {
	c := open(t)
	sh := book(t, c, "a", "1")
	for range 2 {
		if got, found := cancel(t, c, "a"); !found || got != sh {
			t.Errorf("Cancel = %+v, %v; want %+v", got, found, sh)
		}
	}
}

func TestCancelWithoutAShipmentBarsLaterBookings(t *testing.T) {
	c := open(t)
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

func TestCancelBarsAnotherBooking(t *testing.T) {
	c := open(t)
	book(t, c, "a", "1")
	cancel(t, c, "a")
	if _, err := c.Book(t.Context(), booking("a", "2")); !errors.Is(err, shipping.ErrReferenceCancelled) {
		t.Errorf("Book after Cancel: %v, want ErrReferenceCancelled", err)
	}
}

func TestCancelLeavesOtherReferences(t *testing.T) {
	c := open(t)
	cancel(t, c, "b")
	book(t, c, "a", "1")
}
