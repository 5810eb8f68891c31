package orders_test

import (
	"strings"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/contract"
)

func steps(reached []orders.Milestone) string {
	var all []string
	for _, m := range reached {
		all = append(all, m.Step)
	}
	return strings.Join(all, " ")
}

func TestAConfirmedOrderTellsWhatItReachedAndWhen(t *testing.T) {
	s := open(t)
	o := s.place()
	if got := steps(o.Progress()); got != "PLACED" {
		t.Errorf("a placed order has reached %s", got)
	}
	at := func(seconds int) string {
		return o.CreatedAt.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339Nano)
	}
	s.clock.Advance(5 * time.Second)
	_, err := s.ConfirmOrder(t.Context(), contract.Confirm{OrderID: o.OrderID, Began: map[string]string{
		"ReserveStock": at(0), "AuthorizePayment": at(1), "ArrangeShipment": at(2), "CapturePayment": at(3),
		"CommitStock": "soon", // not a time
	}})
	if err != nil {
		t.Fatal(err)
	}
	reached := s.order(o.OrderID).Progress()
	if got := steps(reached); got != "PLACED STOCK_RESERVED PAYMENT_AUTHORIZED SHIPMENT_BOOKED CONFIRMED" {
		t.Errorf("it has reached %s", got)
	}
	for n, seconds := range []int{0, 1, 2, 3, 5} {
		if want := o.CreatedAt.Add(time.Duration(seconds) * time.Second); !reached[n].At.Equal(want) {
			t.Errorf("%s was reached at %s, want %s", reached[n].Step, reached[n].At, want)
		}
	}
}

// The clocks of state machines and functions differ.
func TestMilestonesFollowEachOther(t *testing.T) {
	s := open(t)
	o := s.place()
	at := func(seconds int) string {
		return o.CreatedAt.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339Nano)
	}
	s.clock.Advance(5 * time.Second)
	_, err := s.ConfirmOrder(t.Context(), contract.Confirm{OrderID: o.OrderID, Began: map[string]string{
		"AuthorizePayment": at(-2), "ArrangeShipment": at(3), "CapturePayment": at(1), "CommitStock": at(9),
	}})
	if err != nil {
		t.Fatal(err)
	}
	reached := s.order(o.OrderID).Progress()
	if got := steps(reached); got !=
		"PLACED STOCK_RESERVED PAYMENT_AUTHORIZED SHIPMENT_BOOKED PAYMENT_CAPTURED CONFIRMED" {
		t.Errorf("it has reached %s", got)
	}
	for n, seconds := range []int{0, 0, 3, 3, 5, 5} {
		if want := o.CreatedAt.Add(time.Duration(seconds) * time.Second); !reached[n].At.Equal(want) {
			t.Errorf("%s was reached at %s, want %s", reached[n].Step, reached[n].At, want)
		}
	}
}

func TestARejectedOrderTellsItsEndOnce(t *testing.T) {
	s := open(t)
	id := s.place().OrderID
	if _, err := s.CloseOrder(t.Context(), contract.Close{OrderID: id}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.RejectOrder(t.Context(), contract.Reject{OrderID: id, Reason: "OUT_OF_STOCK"}); err != nil {
		t.Fatal(err)
	}
	if got := steps(s.order(id).Progress()); got != "PLACED REJECTED" {
		t.Errorf("it has reached %s", got)
	}
}

func TestTheTrackingAddressIsOfTheOrdersOwnNumber(t *testing.T) {
	const page = "https://carrier.example/{trackingNumber}?of={trackingNumber}"
	for _, c := range []struct{ page, number, want string }{
		{page, "T/1 2", "https://carrier.example/T%2F1%202?of=T%2F1%202"}, {page, "", ""}, {"", "T1", ""},
	} {
		s := open(t)
		id := s.place().OrderID
		in := contract.Confirm{OrderID: id, TrackingNumber: c.number}
		if _, err := s.TrackedAt(c.page).ConfirmOrder(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if got := s.order(id).TrackingURL; got != c.want {
			t.Errorf("%q at %q: %q, want %q", c.number, c.page, got, c.want)
		}
	}
}
