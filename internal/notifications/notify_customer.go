package notifications

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/envelope"
)

// kinds maps event types to mails.
var kinds = map[string]Kind{
	orders.OrderConfirmed:      Confirmed,
	orders.OrderRejected:       Rejected,
	orders.OrderCancelled:      Cancelled,
	orders.OrderNeedsAttention: NeedsAttention,
}

// NotifyCustomer sends an event's mail, unless it was sent. It fails with ErrUnexpected if there is
// no mail for the event's type.
func (s *Service) NotifyCustomer(ctx context.Context, e envelope.Event) error {
	kind, ok := kinds[e.Type]
	if !ok {
		return ErrUnexpected
	}
	order, err := envelope.Decode[orders.Changed](e)
	if err != nil {
		return err
	}
	if order.CustomerEmail == "" {
		slog.InfoContext(ctx, "no mail: the customer has no address", "kind", kind)
		return nil
	}
	mail := render(kind, facts{
		Order: order.OrderID, Total: order.Total.String(), Reason: order.Reason, Tracking: order.TrackingNumber,
	})
	mail.To = order.CustomerEmail
	return s.send(ctx, order.OrderID, kind, mail)
}

func (s *Service) send(ctx context.Context, orderID string, kind Kind, mail Mail) error {
	claim := Claim{OrderID: orderID, Kind: kind, ID: s.ids.New(), Until: s.clock.Now().Add(Lease)}
	switch err := s.store.Claim(ctx, claim); {
	case errors.Is(err, ErrSent), errors.Is(err, ErrRefused):
		return nil
	case err != nil:
		return err
	}
	switch err := s.inTurn(ctx, claim); {
	case errors.Is(err, ErrOvertaken):
		slog.InfoContext(ctx, "no mail: the mail about the order's end came first", "kind", kind)
		return s.store.Release(ctx, claim)
	case err != nil:
		return errors.Join(err, s.store.Release(ctx, claim))
	}
	switch err := s.mailer.Send(ctx, mail); {
	case errors.Is(err, ErrRefused):
		slog.WarnContext(ctx, "mail refused for good", "kind", kind, "error", err.Error())
		return s.store.MarkRefused(ctx, claim)
	case err != nil:
		return errors.Join(err, s.store.Release(ctx, claim))
	}
	if err := s.store.MarkSent(ctx, claim); err != nil {
		// The mail is sent. Failing now would only send it again.
		slog.ErrorContext(ctx, "mail sent, but not recorded as sent", "kind", kind, "error", err.Error())
	}
	slog.InfoContext(ctx, "mail sent", "kind", kind)
	return nil
}

// inTurn fails if another mail of the order makes this one obsolete, or must come first.
func (s *Service) inTurn(ctx context.Context, c Claim) error {
	overtakenBy, waitsFor := c.Kind.OvertakenBy(), c.Kind.WaitsFor()
	held, err := s.store.Claims(ctx, c.OrderID, slices.Concat(overtakenBy, waitsFor))
	if err != nil {
		return err
	}
	for _, kind := range overtakenBy {
		if _, claimed := held[kind]; claimed {
			return ErrOvertaken
		}
	}
	for _, kind := range waitsFor {
		if s.clock.Now().Before(held[kind]) {
			return ErrSending
		}
	}
	return nil
}
