package inventory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"orderflow/internal/inventory/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/schema"
)

const (
	// budget is how long a reservation may take to be committed or released before fulfilment is asked about it. A saga that
	// waits for slots and circuits may take longer; it is left alone.
	budget = 30 * time.Minute
	// patience is how long repair may take on top, and an operator where it cannot.
	patience = 24 * time.Hour
)

// ErrStuck: stock is reserved for so long that nobody can be repairing it any more.
var ErrStuck = fault.New(fault.Internal, "ReservationsStuck", "there are reservations that nobody commits or releases")

// SweepReservations tells of every reservation that is RESERVED for longer than its budget, by an event. Whether its order
// is in flight is not inventory's to know; fulfilment does, and has ReleaseStock called where it is not. It
// returns how many there are, and how many of those for longer than repair may take; for these it fails with ErrStuck.
//
// An event that its consumers would refuse is not published, since it would be refused again with each sweep: nobody repairs
// that reservation, so it counts as stuck at once. A reservation that cannot be read or recorded does not keep the sweep from
// the others; its error is returned at the end.
func (s *Service) SweepReservations(ctx context.Context) (overdue, stuck int, err error) {
	now := s.clock.Now()
	found, err := s.store.Overdue(ctx, now.Add(-budget))
	schemas := schema.Load(contract.Schemas, contract.ReservationOverdue)
	for _, r := range found {
		e := s.events.New(ctx, contract.ReservationOverdue, r.OrderID, r.Version, contract.Overdue{OrderID: r.OrderID})
		wrong := schemas.Validate(e)
		if wrong != nil {
			slog.ErrorContext(ctx, "a reservation cannot be told of", "orderId", r.OrderID, "error", wrong.Error())
		} else if failed := s.store.Record(ctx, commit.With{Events: []envelope.Event{e}}); failed != nil {
			err = errors.Join(err, fmt.Errorf("reservation of order %s: %w", r.OrderID, failed))
			continue
		}
		if overdue++; wrong != nil || now.Sub(r.UpdatedAt) > patience {
			stuck++
		}
	}
	if stuck > 0 {
		err = errors.Join(err, ErrStuck)
	}
	return overdue, stuck, err
}
