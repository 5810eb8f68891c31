package orders

import (
	"context"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
)

const (
	// budget is how long an order may be PENDING before fulfilment is asked about it. A saga that waits for slots and circuits may take
	// longer; it is left alone.
	budget = 30 * time.Minute
	// patience is how long repair may take on top. A compensation has nearly two hours, and may be started anew.
	patience = 12 * time.Hour
)

// ErrStuck: orders are PENDING for so long that nobody can be repairing them any more.
var ErrStuck = fault.New(fault.Internal, "OrdersStuck", "there are orders that nobody brings to rest")

// SweepOrders tells of every order that is PENDING for longer than its budget, by an event with all that starting its saga
// takes. Nothing of the order changes: what is missing, a saga or its compensation, fulfilment finds out, which may
// be told any number of times. It returns how many there are, and how many of those for longer than repair may take; for these
// it fails with ErrStuck.
func (s *Service) SweepOrders(ctx context.Context) (overdue, stuck int, err error) {
	now := s.clock.Now()
	found, err := s.store.Overdue(ctx, now.Add(-budget))
	if err != nil {
		return 0, 0, err
	}
	for _, o := range found {
		e, err := s.events.New(ctx, contract.OrderOverdue, o.OrderID, o.Version, o.created())
		if err != nil {
			return overdue, stuck, err
		}
		if err := s.store.Record(ctx, commit.With{Events: []envelope.Event{e}}); err != nil {
			return overdue, stuck, err
		}
		if overdue++; now.Sub(o.CreatedAt) > patience {
			stuck++
		}
	}
	if stuck > 0 {
		err = ErrStuck
	}
	return overdue, stuck, err
}
