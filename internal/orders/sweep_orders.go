package orders

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/schema"
)

const (
	// overdueAfter is how long an order may be PENDING before fulfilment is asked about it. A saga
	// that waits for slots and circuits may take longer and is not affected.
	overdueAfter = 30 * time.Minute
	// stuckAfter leaves time for repair. A compensation takes up to two hours and may be restarted.
	stuckAfter = 12 * time.Hour
)

var (
	// ErrStuck: orders have been PENDING for longer than any repair takes.
	ErrStuck = fault.New(fault.Internal, "OrdersStuck", "orders are PENDING for more than 12 hours")
	// ErrUnpublishable: consumers would reject the events of some orders, which were flagged
	// instead.
	ErrUnpublishable = fault.New(fault.Internal, "OrdersUntellable",
		"orders were flagged because consumers would reject their events")
)

// overdueSchema is the schema that consumers of OrderOverdue validate against.
var overdueSchema = schema.Load(contract.Schemas, contract.OrderOverdue)

// Swept is the result of a sweep.
type Swept struct {
	// Overdue counts the orders published as overdue, Stuck those of them that are stuck.
	Overdue, Stuck int
	// Flagged counts the orders that were flagged because consumers would reject their event.
	Flagged int
}

// SweepOrders publishes an event for every order that is overdue, with all the data that its saga
// needs. The order does not change. Fulfilment finds out whether the saga or its compensation is
// missing, and may get any number of these events.
//
// An event that consumers would reject is not published, since every sweep would repeat it. If only
// the customer's e-mail address is invalid, it is removed from the order. Any other such order
// becomes NEEDS_ATTENTION, so operators are alerted once.
//
// If an order cannot be read or saved, the sweep continues with the others and returns the error at
// the end. It fails with ErrStuck if orders are stuck, and with ErrUnpublishable if it flagged any.
func (s *Service) SweepOrders(ctx context.Context) (Swept, error) {
	var swept Swept
	now := s.clock.Now()
	found, failed := s.store.Overdue(ctx, now.Add(-overdueAfter))
	for _, o := range found {
		published, err := s.publishOverdue(ctx, o)
		switch {
		case errors.Is(err, fault.ErrLostRace): // the order has changed: the next sweep decides
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("order %s: %w", o.OrderID, err))
		case !published:
			swept.Flagged++
		default:
			if swept.Overdue++; now.Sub(o.CreatedAt) > stuckAfter {
				swept.Stuck++
			}
		}
	}
	if swept.Stuck > 0 {
		failed = errors.Join(failed, ErrStuck)
	}
	if swept.Flagged > 0 {
		failed = errors.Join(failed, ErrUnpublishable)
	}
	return swept, failed
}

// publishOverdue publishes that o is overdue, or flags o; published reports which.
func (s *Service) publishOverdue(ctx context.Context, o Order) (published bool, err error) {
	e, invalid, err := s.overdueEvent(ctx, o)
	if err != nil {
		return false, err
	}
	if invalid == nil {
		return true, s.store.Record(ctx, commit.With{Events: []envelope.Event{e}})
	}
	at := s.clock.Now()
	withoutEmail := o.changed(at)
	withoutEmail.CustomerEmail = ""
	if e, still, err := s.overdueEvent(ctx, withoutEmail); err != nil {
		return false, err
	} else if still == nil {
		slog.WarnContext(ctx, "an order's invalid e-mail address was removed", "orderId", o.OrderID)
		return true, s.store.SaveOrder(ctx, withoutEmail, commit.With{Events: []envelope.Event{e}})
	}
	o.CustomerEmail = ""
	slog.ErrorContext(ctx, "an order was flagged because consumers would reject its event",
		"orderId", o.OrderID, "error", invalid.Error())
	if o, err = o.transition(StatusNeedsAttention, ReasonInternal, invalid.Error(), at); err != nil {
		return false, err
	}
	return false, s.save(ctx, o, contract.OrderNeedsAttention, commit.With{})
}

// overdueEvent returns the event that o is overdue. invalid is why consumers would reject it.
func (s *Service) overdueEvent(ctx context.Context, o Order) (e envelope.Event, invalid, err error) {
	e = s.events.New(ctx, contract.OrderOverdue, o.OrderID, o.Version, o.created())
	if invalid = overdueSchema.Validate(e); invalid != nil && !errors.Is(invalid, schema.ErrInvalid) {
		return e, nil, invalid // a defect of the schema
	}
	return e, invalid, nil
}
