package orders

import "context"

// ListOrders returns up to limit orders of a customer, newest first, and the cursor of the next page, which is ""
// after the last. It fails with ErrCursor for a cursor that this customer's list did not return.
func (s *Service) ListOrders(ctx context.Context, customerID string, limit int, cursor string) ([]Order, string, error) {
	return s.store.Orders(ctx, customerID, limit, cursor)
}
