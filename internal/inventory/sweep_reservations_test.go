package inventory_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/schema"
)

func TestSweepReportsOnlyOverdueReservations(t *testing.T) {
	s := newShop(t)
	const done, undone = "01KAQ5M3Z8V7D2X4C6B9N1T001", "01KAQ5M3Z8V7D2X4C6B9N1T002"
	for _, id := range []string{order, done, undone} {
		_, err := s.ReserveStock(t.Context(), input(id))
		must(t, err)
	}
	_, err := s.CommitStock(t.Context(), input(done))
	must(t, err)
	_, err = s.ReleaseStock(t.Context(), input(undone))
	must(t, err)
	s.store.TakeOutbox()

	s.clock.Advance(30 * time.Minute)
	if n, _, err := s.SweepReservations(t.Context()); n != 0 || err != nil {
		t.Errorf("after 30 minutes: %d overdue, %v", n, err)
	}
	s.clock.Advance(time.Second)
	for range 2 { // reported again, since it is still RESERVED
		if n, stuck, err := s.SweepReservations(t.Context()); n != 1 || stuck != 0 || err != nil {
			t.Fatalf("after that: %d overdue, %d stuck, %v", n, stuck, err)
		}
		wantOverdue(t, s, 1)
	}
	r, err := s.GetReservation(t.Context(), order)
	if err != nil || r.Status != inventory.StatusReserved || r.Version != 1 {
		t.Errorf("the sweep changed the reservation: %+v, %v", r, err)
	}
}

func TestReservationsAreStuckAfterADay(t *testing.T) {
	s := newShop(t)
	_, err := s.ReserveStock(t.Context(), input(order))
	must(t, err)
	s.store.TakeOutbox()
	s.clock.Advance(24 * time.Hour)
	if _, stuck, err := s.SweepReservations(t.Context()); stuck != 0 || err != nil {
		t.Errorf("after a day: %d stuck, %v", stuck, err)
	}
	s.clock.Advance(time.Second)
	if n, stuck, err := s.SweepReservations(t.Context()); n != 1 || stuck != 1 || !errors.Is(err, inventory.ErrStuck) {
		t.Errorf("after that: %d overdue, %d stuck, %v; want ErrStuck", n, stuck, err)
	}
	wantOverdue(t, s, 2)
}

// wantOverdue takes the events and checks that they are n events of the order's overdue
// reservation.
func wantOverdue(t *testing.T, s shop, n int) {
	t.Helper()
	schemas := schema.Load(contract.Schemas)
	events := s.store.TakeOutbox()
	for _, e := range events {
		must(t, schemas.Validate(e))
		data, err := envelope.Decode[contract.Overdue](e)
		if err != nil || e.Type != contract.ReservationOverdue || e.Subject != order || data.OrderID != order {
			t.Errorf("event %+v", e)
		}
	}
	if len(events) != n {
		t.Errorf("%d events, want %d", len(events), n)
	}
}

func TestInvalidEventIsNotPublishedAndCountsAsStuck(t *testing.T) {
	s := newShop(t)
	for _, id := range []string{order, "no-ulid"} {
		_, err := s.ReserveStock(t.Context(), input(id))
		must(t, err)
	}
	s.store.TakeOutbox()
	s.clock.Advance(time.Hour)
	for range 2 {
		if n, stuck, err := s.SweepReservations(t.Context()); n != 2 || stuck != 1 ||
			!errors.Is(err, inventory.ErrStuck) {
			t.Errorf("%d overdue, %d stuck, %v; want the one with an invalid event stuck", n, stuck, err)
		}
		wantOverdue(t, s, 1)
	}
}
