package payments

import (
	"context"
	"errors"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/barrier"
)

// CapturePayment captures the order's authorized amount.
func (s *Service) CapturePayment(ctx context.Context, in contract.Step) (contract.Result, error) {
	if in.OrderID == "" {
		return contract.Result{}, errInput
	}
	run := func(ctx context.Context, once barrier.Once) (contract.Result, error) {
		p, err := s.store.Get(ctx, in.OrderID)
		if errors.Is(err, ErrNoPayment) || err == nil && p.Status != StatusAuthorized {
			return contract.Result{}, ErrNotAuthorized
		}
		if err != nil {
			return contract.Result{}, err
		}
		if !p.free() {
			if _, err := s.provider.Capture(ctx, p.subject(stepCapture)); err != nil {
				return contract.Result{}, voided(err)
			}
		}
		return s.save(ctx, p.moveTo(StatusCaptured, s.clock.Now()), p, once)
	}
	return barrier.Do(ctx, s.store, in.OrderID, stepCapture, run)
}
