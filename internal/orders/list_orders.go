package orders

import "context"

// Listing says which of a customer's orders to list.
type Listing struct {
	// Limit is the maximum number of orders of a page, 1 to 100.
	Limit int
	// Cursor is "" or the cursor of the page before.
	Cursor string
	// After is an order's id, or "": without a Cursor, the list starts after that order.
	After string
	// Status is "" or the only status to list.
	Status Status
}

const (
	// searchPage is how many orders are read at once in search of a status.
	searchPage = 100
	// searchPages bounds how many pages one request reads. A list of a rare status may have pages
	// without orders.
	searchPages = 5
)

// ListOrders returns a page of a customer's orders, newest first, and the cursor of the next page,
// which is "" after the last. It fails with fault.ErrCursor for a cursor that this customer's list
// did not return.
func (s *Service) ListOrders(ctx context.Context, customerID string, l Listing) ([]Order, string, error) {
	if l.Cursor == "" && l.After != "" {
		l.Cursor = s.store.CursorAfter(customerID, l.After)
	}
	if l.Status == "" {
		return s.store.Orders(ctx, customerID, l.Limit, l.Cursor)
	}
	var found []Order
	for range searchPages {
		page, next, err := s.store.Orders(ctx, customerID, searchPage, l.Cursor)
		if err != nil {
			return nil, "", err
		}
		for i, o := range page {
			if o.Status != l.Status {
				continue
			}
			found = append(found, o)
			if len(found) == l.Limit && (next != "" || i < len(page)-1) {
				return found, s.store.CursorAfter(customerID, o.OrderID), nil
			}
		}
		if l.Cursor = next; next == "" {
			break
		}
	}
	return found, l.Cursor, nil
}
