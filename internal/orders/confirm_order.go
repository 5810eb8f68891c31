package orders

import (
	"context"
	"net/url"
	"strings"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/commit"
)

// Names of the saga's steps, used as barrier keys.
const (
	stepConfirm = "ConfirmOrder"
	stepClose   = "CloseOrder"
)

// ConfirmOrder is the saga's last step and its point of no return. It fails with ErrClosed if the
// order was closed, or with barrier.ErrCompensated after CloseOrder.
func (s *Service) ConfirmOrder(ctx context.Context, in contract.Confirm) (contract.Result, error) {
	confirm := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		o, err := s.store.Order(ctx, in.OrderID)
		if err != nil {
			return contract.Result{}, err
		}
		if o.Closed {
			return contract.Result{}, ErrClosed
		}
		if o, err = o.transition(StatusConfirmed, "", "", s.clock.Now()); err != nil {
			return contract.Result{}, err
		}
		o = o.reached(in.Began)
		o.TrackingNumber, o.TrackingURL = in.TrackingNumber, s.trackingURL(in.TrackingNumber)
		return o.result(), s.save(ctx, o, contract.OrderConfirmed, commit.With{Barrier: once.Returning(o.result())})
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepConfirm, confirm)
}

// trackingPlace is the placeholder for the tracking number in the address of a carrier's page.
const trackingPlace = "{trackingNumber}"

// TrackedAt returns a copy of the service that gives confirmed orders the address of the carrier's
// page, in which {trackingNumber} stands for the tracking number. "" gives none.
func (s *Service) TrackedAt(address string) *Service {
	tracked := *s
	tracked.tracking = address
	return &tracked
}

func (s *Service) trackingURL(number string) string {
	if number == "" || s.tracking == "" {
		return ""
	}
	return strings.ReplaceAll(s.tracking, trackingPlace, url.PathEscape(number))
}
