package inventory

import "context"

// ProjectProduct keeps that catalog has a product, by which typing errors in SKUs are found. Catalog takes no product away, so
// events may come in any order and any number of times.
func (s *Service) ProjectProduct(ctx context.Context, sku string) error {
	return s.store.LearnProduct(ctx, sku)
}
