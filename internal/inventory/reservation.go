package inventory

import (
	"context"
	"time"

	"orderflow/internal/inventory/contract"
)

// Status is where an order's reservation stands.
type Status string

// A reservation goes from RESERVED to COMMITTED (shipped) or RELEASED (available again).
const (
	StatusReserved  Status = "RESERVED"
	StatusCommitted Status = "COMMITTED"
	StatusReleased  Status = "RELEASED"
)

// Reservation is the stock that an order holds.
type Reservation struct {
	OrderID    string
	CustomerID string
	Status     Status
	Items      []contract.Line
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// moveTo returns the reservation's next version with another status.
func (r Reservation) moveTo(status Status, at time.Time) Reservation {
	r.Status, r.UpdatedAt, r.Version = status, at, r.Version+1
	return r
}

// bucket tells where the reservation's units are.
func (r Reservation) bucket() Bucket {
	switch r.Status {
	case StatusReserved:
		return Reserved
	case StatusCommitted:
		return Shipped
	default:
		return Available
	}
}

func (r Reservation) result() contract.Result {
	return contract.Result{OrderID: r.OrderID, Status: string(r.Status)}
}

// GetReservation returns an order's reservation, or ErrNoReservation.
func (s *Service) GetReservation(ctx context.Context, orderID string) (Reservation, error) {
	return s.store.Reservation(ctx, orderID)
}
