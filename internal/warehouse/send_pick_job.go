package warehouse

import (
	"context"
	"encoding/json"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/warehouse/contract"
)

// SendPickJob adds an event's fact to its order, and sends the order's message when it is due: the
// pick job once the order is confirmed and its lines are known, the cancellation once it is
// cancelled. An order is either confirmed or cancelled, never both.
func (s *Service) SendPickJob(ctx context.Context, e envelope.Event) error {
	learn, err := fact(e)
	if err != nil {
		return err
	}
	o, err := s.update(ctx, e.Subject, learn)
	if err != nil || o.Sent {
		return err
	}
	switch {
	case o.CancelledBy != "":
		err = s.send(ctx, contract.PickCancelled, o.CancelledBy, contract.Cancellation{OrderID: o.ID})
	case o.ToPick():
		err = s.send(ctx, contract.PickRequested, o.ConfirmedBy, contract.PickJob{OrderID: o.ID, Lines: o.Lines})
	case o.ConfirmedBy != "":
		return ErrNoLines
	default:
		return nil // not confirmed, and perhaps never
	}
	if err != nil {
		return err
	}
	_, err = s.update(ctx, o.ID, func(o *Order) { o.Sent = true })
	return err
}

// fact returns what an event adds to its order. Adding it again changes nothing.
func fact(e envelope.Event) (func(*Order), error) {
	switch e.Type {
	case inventory.StockCommitted:
		moved, err := envelope.Decode[inventory.StockMoved](e)
		if err != nil {
			return nil, err
		}
		lines := make([]contract.Line, len(moved.Items))
		for i, l := range moved.Items {
			lines[i] = contract.Line(l)
		}
		return func(o *Order) { o.Lines = lines }, nil
	case orders.OrderConfirmed:
		return func(o *Order) { o.ConfirmedBy = e.ID }, nil
	case orders.OrderCancelled:
		return func(o *Order) { o.CancelledBy = e.ID }, nil
	}
	return nil, ErrUnexpected
}

// update changes an order, unless the change is already made.
func (s *Service) update(ctx context.Context, id string, change func(*Order)) (Order, error) {
	return fault.RetryLostRace(func() (Order, error) {
		before, err := s.store.Order(ctx, id)
		if err != nil {
			return Order{}, err
		}
		o := before
		o.ID = id
		if change(&o); same(o, before) {
			return o, nil
		}
		o.Version++
		return o, s.store.SaveOrder(ctx, o, commit.With{})
	})
}

// same reports whether two states of an order hold the same facts of SendPickJob. Lines are
// committed once, so their number tells.
func same(a, b Order) bool {
	return a.ConfirmedBy == b.ConfirmedBy && a.CancelledBy == b.CancelledBy && a.Sent == b.Sent &&
		len(a.Lines) == len(b.Lines)
}

func (s *Service) send(ctx context.Context, kind, id string, message any) error {
	body, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.broker.Publish(ctx, kind, id, body)
}
