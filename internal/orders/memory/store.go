// Package memory is orders' store in memory.
package memory

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// Store implements orders.Store.
type Store struct {
	*memdb.Log
	orders memdb.Versioned[orders.Order]
	prices memdb.Versioned[orders.Price]
	tally  *memdb.Items[orders.Tally] // by customer
	intake *memdb.Items[orders.Intake]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{
		Log: log, orders: memdb.NewVersioned(log, "order", orders.ErrNoOrder, keepPlaced),
		prices: memdb.NewVersioned[orders.Price](log, "price", nil, nil),
		tally:  memdb.NewItems[orders.Tally](log, "tally", nil).Expiring(orders.Tally.Over),
		intake: memdb.NewItems[orders.Intake](log, "intake", nil),
	}
}

// keepPlaced keeps the fields that are written only when an order is placed.
func keepPlaced(stored orders.Order, next *orders.Order) {
	next.Items, next.Total, next.ShippingAddress = stored.Items, stored.Total, stored.ShippingAddress
}

// Order returns an order.
func (s *Store) Order(_ context.Context, orderID string) (orders.Order, error) {
	return s.orders.Get(orderID)
}

// Orders returns a page of a customer's orders. A cursor has the customer and the last order of the
// previous page.
func (s *Store) Orders(
	_ context.Context, customerID string, limit int, cursor string,
) (page []orders.Order, next string, err error) {
	last := ""
	if cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(cursor)
		var own bool
		if last, own = strings.CutPrefix(string(b), customerID+"#"); err != nil || !own {
			return nil, "", fault.ErrCursor
		}
	}
	page = s.orders.Where(func(o orders.Order) bool {
		return o.CustomerID == customerID && (last == "" || o.OrderID < last)
	})
	slices.Reverse(page) // newest first
	if len(page) > limit {
		page = page[:limit]
		next = s.CursorAfter(customerID, page[limit-1].OrderID)
	}
	return page, next, nil
}

// CursorAfter returns the cursor of the page after an order.
func (s *Store) CursorAfter(customerID, orderID string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(customerID + "#" + orderID))
}

// Overdue returns the PENDING orders placed before a time.
func (s *Store) Overdue(_ context.Context, before time.Time) ([]orders.Order, error) {
	return s.orders.Where(func(o orders.Order) bool {
		return o.Status == orders.StatusPending && o.CreatedAt.Before(before)
	}), nil
}

// Waiting returns a page of the orders that wait. A cursor is the place of the last one before.
func (s *Store) Waiting(
	_ context.Context, status orders.Status, before time.Time, limit int, cursor string,
) (page []orders.Order, next string, err error) {
	after, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || cursor != "" && !strings.Contains(string(after), "Z#") {
		return nil, "", fault.ErrCursor
	}
	place := func(o orders.Order) string { return o.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z#") + o.OrderID }
	page = s.orders.Where(func(o orders.Order) bool {
		return o.Waits(status) && o.CreatedAt.Before(before) && place(o) > string(after)
	})
	slices.SortFunc(page, func(a, b orders.Order) int { return strings.Compare(place(a), place(b)) })
	if len(page) > limit {
		page = page[:limit]
		next = base64.RawURLEncoding.EncodeToString([]byte(place(page[limit-1])))
	}
	return page, next, nil
}

// OrdersByID returns the orders that exist.
func (s *Store) OrdersByID(_ context.Context, orderIDs []string) ([]orders.Order, error) {
	return s.orders.GetMany(orderIDs)
}

// PlaceOrder writes a new order within its customer's limits.
func (s *Store) PlaceOrder(_ context.Context, o orders.Order, limits orders.Limits, with commit.With) error {
	return s.Commit(with, func() error {
		t := s.tally.Get(o.CustomerID)
		declined := len(t.Declines) >= limits.Declines && t.Declines[limits.Declines-1].After(limits.Since(o.CreatedAt))
		switch _, exists := s.orders.Find(o.OrderID); {
		case exists:
			return fault.ErrLostRace
		case len(t.Open) >= limits.Open, declined:
			return orders.ErrAtLimit
		}
		s.orders.Items.Save(o.OrderID, o)
		t.Open = append(slices.Clone(t.Open), o.OrderID)
		slices.Sort(t.Open)
		s.tally.Save(o.CustomerID, t)
		return nil
	})
}

// SaveOrder writes an order's next version.
func (s *Store) SaveOrder(_ context.Context, o orders.Order, with commit.With) error {
	return s.Commit(with, func() error {
		if err := s.orders.Next(o); err != nil {
			return err
		}
		if o.Status.Final() {
			t := without(s.tally.Get(o.CustomerID), o.OrderID)
			if o.CountsAsDecline() {
				t.Declines = t.Declined(o.UpdatedAt)
			}
			s.tally.Save(o.CustomerID, t)
		}
		return nil
	})
}

// without returns the tally without some open orders.
func without(t orders.Tally, orderIDs ...string) orders.Tally {
	t.Open = slices.DeleteFunc(slices.Clone(t.Open), func(id string) bool { return slices.Contains(orderIDs, id) })
	return t
}

// Tally returns what counts against a customer's limits.
func (s *Store) Tally(_ context.Context, customerID string) (t orders.Tally, err error) {
	s.View(func() { t = s.tally.Get(customerID) })
	return t, nil
}

// Recount sets a customer's tally, to test tallies that a version without them left behind.
func (s *Store) Recount(customerID string, t orders.Tally) {
	s.View(func() { s.tally.Save(customerID, t) })
}

// Uncount removes orders from those that count as open.
func (s *Store) Uncount(_ context.Context, customerID string, orderIDs []string) error {
	return s.Commit(commit.With{}, func() error {
		s.tally.Save(customerID, without(s.tally.Get(customerID), orderIDs...))
		return nil
	})
}

// Quote reads a record and entries of the price book.
func (s *Store) Quote(ctx context.Context, scope, key string, skus []string) (q orders.Quote, err error) {
	q.Prices = map[string]orders.Price{}
	if key != "" {
		if q.Reply, q.Replayed, err = s.Reply(ctx, scope, key); err != nil {
			return q, err
		}
	}
	s.View(func() {
		q.Intake = s.intake.Get("")
		for _, sku := range skus {
			if p, ok := s.prices.Find(sku); ok {
				q.Prices[sku] = p
			}
		}
	})
	return q, nil
}

// Intake returns whether orders are taken.
func (s *Store) Intake(context.Context) (i orders.Intake, err error) {
	s.View(func() { i = s.intake.Get("") })
	return i, nil
}

// SaveIntake writes whether orders are taken.
func (s *Store) SaveIntake(_ context.Context, i orders.Intake) error {
	return s.Commit(commit.With{}, func() error {
		s.intake.Save("", i)
		return nil
	})
}

// Price returns an entry of the price book.
func (s *Store) Price(_ context.Context, sku string) (orders.Price, error) {
	return s.prices.Get(sku)
}

// SavePrice writes an entry of the price book.
func (s *Store) SavePrice(_ context.Context, p orders.Price, before int64, with commit.With) error {
	return s.prices.SaveOver(p, before, with)
}
