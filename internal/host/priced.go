package host

import (
	"context"
	"time"

	"orderflow/internal/platform/clock"
)

// priced waits until orders knows the prices of products.
func priced(ctx context.Context, s Stores, skus []string) error {
	ctx, cancel := context.WithTimeout(ctx, stocking)
	defer cancel()
	for {
		q, err := s.Orders.Quote(ctx, "", "", skus)
		if err != nil || len(q.Prices) == len(skus) {
			return err
		}
		if err := clock.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}
