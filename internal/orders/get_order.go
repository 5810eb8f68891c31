package orders

import "context"

// GetOrder returns an order that the caller may see, or ErrNoOrder.
func (s *Service) GetOrder(ctx context.Context, orderID string, may Access) (Order, error) {
	return s.find(ctx, orderID, may)
}
