package inventory

import "context"

// ProjectProduct records that the catalog has a product, so that misspelt SKUs are refused.
// Products are never deleted, so events may come in any order and any number of times.
func (s *Service) ProjectProduct(ctx context.Context, sku string) error {
	return s.store.LearnProduct(ctx, sku)
}
