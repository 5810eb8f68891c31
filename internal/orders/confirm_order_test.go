package orders_test

import (
	"testing"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

func TestConfirmStoresAndPublishesTheTrackingNumber(t *testing.T) {
	for _, number := range []string{"TRK-7F3A9C", ""} { // an older saga passes none
		s := open(t)
		id := s.place().OrderID
		if _, err := s.ConfirmOrder(t.Context(), contract.Confirm{OrderID: id, TrackingNumber: number}); err != nil {
			t.Fatal(err)
		}
		if got := s.order(id).TrackingNumber; got != number {
			t.Errorf("the order has the number %q, want %q", got, number)
		}
		events, err := s.store.Outbox(t.Context())
		if err != nil || len(events) != 1 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if data, err := envelope.Decode[contract.Changed](events[0]); err != nil || data.TrackingNumber != number {
			t.Errorf("the event has the number %q, %v; want %q", data.TrackingNumber, err, number)
		}
		if got := s.emitted(); got != "confirmed" {
			t.Errorf("emitted %q", got)
		}
	}
}
