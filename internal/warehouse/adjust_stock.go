package warehouse

import (
	"context"
	"errors"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// AdjustStock applies a movement in inventory exactly once. After an error the queue redelivers the
// event, and finally moves it to the dead-letter queue. That includes refusals, which may be
// temporary, for example until the catalog has the product or reserved stock is released.
func (s *Service) AdjustStock(ctx context.Context, messageID string) error {
	m, err := s.claim(ctx, messageID)
	if err != nil || m.Applied {
		return err
	}
	err = s.inventory.Adjust(ctx, Adjustment{Key: m.ID, SKU: m.SKU, Delta: m.Delta, Reason: m.Reason})
	if err == nil {
		return s.applied(ctx, messageID)
	}
	if errors.Is(err, ErrRefused) {
		m.Attempts, m.Version = Attempts{}, m.Version+1
		return errors.Join(err, s.store.SaveMovement(ctx, m, commit.With{}))
	}
	return err
}

// claim returns a movement that this delivery may apply, or one that is already applied.
func (s *Service) claim(ctx context.Context, messageID string) (Movement, error) {
	return fault.RetryLostRace(func() (Movement, error) {
		m, err := s.store.Movement(ctx, messageID)
		now := s.clock.Now()
		switch {
		case err != nil || m.Applied:
			return m, err
		case now.Before(m.ClaimedUntil):
			return m, ErrAdjusting
		case !m.FirstTriedAt.IsZero() && now.Sub(m.FirstTriedAt) > keyLife:
			return m, ErrOutcomeUnknown
		}
		if m.FirstTriedAt.IsZero() {
			m.FirstTriedAt = now
		}
		m.ClaimedUntil, m.Version = now.Add(Claim), m.Version+1
		return m, s.store.SaveMovement(ctx, m, commit.With{})
	})
}

// applied records that inventory has made the adjustment, whatever the record says meanwhile.
func (s *Service) applied(ctx context.Context, messageID string) error {
	_, err := fault.RetryLostRace(func() (none struct{}, err error) {
		m, err := s.store.Movement(ctx, messageID)
		if err != nil || m.Applied {
			return none, err
		}
		m.Applied, m.Version = true, m.Version+1
		return none, s.store.SaveMovement(ctx, m, commit.With{})
	})
	return err
}
