package orders

import (
	"context"
	"time"

	"orderflow/internal/platform/fault"
)

// ErrNeedsCustomer: only the orders that have not ended can be listed for all customers.
var ErrNeedsCustomer = fault.New(fault.Invalid, "CustomerRequired",
	"orders that ended are listed for one customer: give customer, or the status PENDING or NEEDS_ATTENTION")

// Search says which orders an operator looks for. Zero fields match all.
type Search struct {
	CustomerID string
	Status     Status
	Reason     Reason
	OlderThan  time.Duration // placed at least that long ago
	Limit      int           // most orders of a page, 1 to 100
	Cursor     string        // "" or the cursor of the page before
}

// FindOrders returns a page of orders and the cursor of the next page, which is "" after the last:
// either a customer's orders, newest first, or all customers' orders that have not ended, oldest
// first. A page may have no orders and still not be the last one.
func (s *Service) FindOrders(ctx context.Context, q Search) (found []Order, cursor string, err error) {
	before := s.clock.Now().Add(time.Millisecond - q.OlderThan) // orders of exactly that age are found
	read := func(limit int) ([]Order, string, error) {
		return s.store.Orders(ctx, q.CustomerID, limit, q.Cursor)
	}
	if q.CustomerID == "" {
		if q.Status.Final() && q.Status != "" {
			return nil, "", ErrNeedsCustomer
		}
		read = func(limit int) ([]Order, string, error) {
			return s.store.Waiting(ctx, q.Status, before, limit, q.Cursor)
		}
	}
	for range searchPages {
		page, next, err := read(q.Limit - len(found)) // so that the cursor is that of the last order returned
		if err != nil {
			return nil, "", err
		}
		for _, o := range page {
			if q.matches(o) && o.CreatedAt.Before(before) {
				found = append(found, o)
			}
		}
		if q.Cursor = next; next == "" || len(found) == q.Limit {
			break
		}
	}
	return found, q.Cursor, nil
}

func (q Search) matches(o Order) bool {
	return (q.Status == "" || q.Status == o.Status) && (q.Reason == "" || q.Reason == o.Reason)
}
