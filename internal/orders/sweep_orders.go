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
	// budget is how long an order may be PENDING before fulfilment is asked about it. A saga that waits for slots and circuits may take
	// longer; it is left alone.
	budget = 30 * time.Minute
	// patience is how long repair may take on top. A compensation has nearly two hours, and may be started anew.
	patience = 12 * time.Hour
)

var (
	// ErrStuck: orders are PENDING for so long that nobody can be repairing them any more.
	ErrStuck = fault.New(fault.Internal, "OrdersStuck", "there are orders that nobody brings to rest")
	// ErrUntellable: orders hold what the consumers of their events refuse, so they were flagged instead.
	ErrUntellable = fault.New(fault.Internal, "OrdersUntellable", "orders were flagged, since no event can tell of them")
)

// published is what the consumers of our events hold them to.
var published = schema.Load(contract.Schemas, contract.OrderOverdue)

// Swept is what a sweep found.
type Swept struct {
	// Overdue is how many orders were told of, and Stuck how many of these for longer than repair may take.
	Overdue, Stuck int
	// Flagged is how many orders were flagged because they cannot be told of.
	Flagged int
}

// SweepOrders tells of every order that is PENDING for longer than its budget, by an event with all that starting its saga
// takes. Nothing of the order changes: what is missing, a saga or its compensation, fulfilment finds out, which may
// be told any number of times.
//
// An event that its consumers would refuse is not published, since it would be refused again with each sweep. If an address of
// the customer is all that is wrong, the order loses it. Any other order becomes NEEDS_ATTENTION, so operators hear of it once.
//
// An order that cannot be read or saved does not keep the sweep from the others; its error is returned at the end. The sweep
// fails with ErrStuck if there are stuck orders, and with ErrUntellable if it flagged any.
func (s *Service) SweepOrders(ctx context.Context) (Swept, error) {
	var did Swept
	now := s.clock.Now()
	found, failed := s.store.Overdue(ctx, now.Add(-budget))
	for _, o := range found {
		told, err := s.publishOverdue(ctx, o)
		switch {
		case errors.Is(err, fault.ErrLostRace): // it has changed: the next sweep decides
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("order %s: %w", o.OrderID, err))
		case !told:
			did.Flagged++
		default:
			if did.Overdue++; now.Sub(o.CreatedAt) > patience {
				did.Stuck++
			}
		}
	}
	if did.Stuck > 0 {
		failed = errors.Join(failed, ErrStuck)
	}
	if did.Flagged > 0 {
		failed = errors.Join(failed, ErrUntellable)
	}
	return did, failed
}

// publishOverdue publishes that o is overdue, or flags it; told says which.
func (s *Service) publishOverdue(ctx context.Context, o Order) (told bool, err error) {
	e, wrong, err := s.overdue(ctx, o)
	if err != nil {
		return false, err
	}
	if wrong == nil {
		return true, s.store.Record(ctx, commit.With{Events: []envelope.Event{e}})
	}
	at := s.clock.Now()
	unreachable := o.next(at)
	unreachable.CustomerEmail = ""
	if e, still, err := s.overdue(ctx, unreachable); err != nil {
		return false, err
	} else if still == nil {
		slog.WarnContext(ctx, "the address of an order's customer cannot be used, so it is taken for none", "orderId", o.OrderID)
		return true, s.store.SaveOrder(ctx, unreachable, commit.With{Events: []envelope.Event{e}})
	}
	o.CustomerEmail = ""
	slog.ErrorContext(ctx, "an order cannot be told of and is flagged", "orderId", o.OrderID, "error", wrong.Error())
	if o, err = o.become(StatusNeedsAttention, ReasonInternal, wrong.Error(), at); err != nil {
		return false, err
	}
	return false, s.save(ctx, o, contract.OrderNeedsAttention, commit.With{})
}

// overdue makes the event that tells of o; wrong is why its consumers would refuse it.
func (s *Service) overdue(ctx context.Context, o Order) (e envelope.Event, wrong, err error) {
	e = s.events.New(ctx, contract.OrderOverdue, o.OrderID, o.Version, o.created())
	if wrong = published.Validate(e); wrong != nil && !errors.Is(wrong, schema.ErrInvalid) {
		return e, nil, wrong // a defect of the schema
	}
	return e, wrong, nil
}
