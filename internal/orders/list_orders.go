package orders

import "context"

// ListOrders returns up to limit orders of a customer, newest first, and the next page's cursor, ""
// after the last page. It fails with ErrCursor for a cursor that is not from this customer's list.
func (s *Service) ListOrders(
	ctx context.Context, customerID string, limit int, cursor string,
) (page []Order, next string, err error) {
	return s.store.Orders(ctx, customerID, limit, cursor)
}
