package notifications

import (
	"context"
	"errors"
	"log/slog"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	shipping "orderflow/internal/shipping/contract"
)

// consumer is the name by which barriers know the handler.
const consumer = "notify-customer"

// endings tells which mail an event of orders asks for.
var endings = map[string]Kind{
	orders.OrderConfirmed:      Confirmed,
	orders.OrderRejected:       Rejected,
	orders.OrderCancelled:      Cancelled,
	orders.OrderNeedsAttention: NeedsAttention,
}

// NotifyCustomer sends the mail that an event asks for, unless it was sent. ErrUnexpected refuses other events.
func (s *Service) NotifyCustomer(ctx context.Context, e envelope.Event) error {
	switch e.Type {
	case orders.OrderCreated:
		return s.created(ctx, e)
	case shipping.ShipmentBooked:
		return s.booked(ctx, e)
	}
	kind, ok := endings[e.Type]
	if !ok {
		return ErrUnexpected
	}
	order, err := envelope.Decode[orders.Changed](e)
	if err != nil {
		return err
	}
	to := Contact{OrderID: order.OrderID, Email: order.CustomerEmail}
	return s.send(ctx, to, kind, facts{Order: order.OrderID, Total: order.Total.String(), Reason: order.Reason})
}

// created keeps where to write. The customer just placed the order and needs no mail to know.
func (s *Service) created(ctx context.Context, e envelope.Event) error {
	order, err := envelope.Decode[orders.Created](e)
	if err != nil {
		return err
	}
	return barrier.Consume(ctx, s.store, consumer, e.ID, func(ctx context.Context, once barrier.Once) error {
		contact := Contact{OrderID: order.OrderID, Email: order.CustomerEmail}
		return s.store.KeepContact(ctx, contact, commit.With{Barrier: once.Returning(struct{}{})})
	})
}

// booked tells that the parcel will be on its way, unless the customer knows already that it will not.
func (s *Service) booked(ctx context.Context, e envelope.Event) error {
	shipment, err := envelope.Decode[shipping.ShipmentEvent](e)
	if err != nil {
		return err
	}
	to, err := s.store.Contact(ctx, shipment.OrderID)
	if err != nil {
		return err
	}
	for _, end := range []Kind{Rejected, Cancelled} {
		if told, err := s.store.Told(ctx, shipment.OrderID, end); err != nil || told {
			return err
		}
	}
	return s.send(ctx, to, Booked, facts{Order: shipment.OrderID, Tracking: shipment.TrackingNumber})
}

func (s *Service) send(ctx context.Context, to Contact, kind Kind, f facts) error {
	if to.Email == "" {
		slog.InfoContext(ctx, "no mail: the customer has no address", "kind", kind)
		return nil
	}
	claim := Claim{OrderID: to.OrderID, Kind: kind, ID: s.ids.New(), Until: s.clock.Now().Add(Lease)}
	if err := s.store.Claim(ctx, claim); errors.Is(err, ErrSent) {
		return nil
	} else if err != nil {
		return err
	}
	mail := write(kind, f)
	mail.To = to.Email
	if err := s.mailer.Send(ctx, mail); err != nil {
		return errors.Join(err, s.store.Release(ctx, claim))
	}
	if err := s.store.MarkSent(ctx, claim); err != nil {
		// The mail is out, and failing now would only send it again.
		slog.ErrorContext(ctx, "mail sent, but not marked so", "kind", kind, "error", err.Error())
	}
	slog.InfoContext(ctx, "mail sent", "kind", kind)
	return nil
}
