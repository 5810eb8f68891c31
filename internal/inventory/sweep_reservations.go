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
	// overdueAfter is how long a reservation may stay RESERVED before fulfilment is asked about it.
	// A saga that waits for slots and circuits may take longer; fulfilment leaves it alone.
	overdueAfter = 30 * time.Minute
	// stuckAfter is how long automatic repair, or an operator, may take.
	stuckAfter = 24 * time.Hour
)

// ErrStuck says that stock has been reserved for too long to be under repair.
var ErrStuck = fault.New(fault.Internal, "ReservationsStuck",
	"some reservations are neither committed nor released; see docs/runbooks/sweeps.md")

// SweepReservations publishes an event for every overdue reservation. Inventory does not know
// whether the order's saga is running. Fulfilment does, and calls ReleaseStock if it is not. It
// returns the number of overdue reservations and how many of them are stuck, and ErrStuck if any
// is.
//
// It does not publish an event that consumers would refuse, since they would refuse it after every
// sweep. Such a reservation is not repaired automatically, so it counts as stuck at once. A
// reservation that cannot be read or recorded does not stop the sweep; its error is returned at the
// end.
func (s *Service) SweepReservations(ctx context.Context) (overdue, stuck int, err error) {
	now := s.clock.Now()
	found, err := s.store.Overdue(ctx, now.Add(-overdueAfter))
	schemas := schema.Load(contract.Schemas, contract.ReservationOverdue)
	for _, r := range found {
		e := s.events.New(ctx, contract.ReservationOverdue, r.OrderID, r.Version, contract.Overdue{OrderID: r.OrderID})
		invalid := schemas.Validate(e)
		if invalid != nil {
			slog.ErrorContext(ctx, "the event of an overdue reservation is invalid",
				"orderId", r.OrderID, "error", invalid.Error())
		} else if failed := s.store.Record(ctx, commit.With{Events: []envelope.Event{e}}); failed != nil {
			err = errors.Join(err, fmt.Errorf("reservation of order %s: %w", r.OrderID, failed))
			continue
		}
		if overdue++; invalid != nil || now.Sub(r.UpdatedAt) > stuckAfter {
			stuck++
		}
	}
	if stuck > 0 {
		err = errors.Join(err, ErrStuck)
	}
	return overdue, stuck, err
}
