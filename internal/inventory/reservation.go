package inventory

import (
	"context"
	"time"

	"orderflow/internal/inventory/contract"
)

// Status is the status of an order's reservation.
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
	// Parts says which shards hold the lines; see Held.
	Parts []Part
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (r Reservation) Identity() (id string, version int64) { return r.OrderID, r.Version }

// moveTo returns the reservation's next version with another status.
func (r Reservation) moveTo(status Status, at time.Time) Reservation {
	r.Status, r.UpdatedAt, r.Version = status, at, r.Version+1
	return r
}

// bucket returns the bucket that holds the units of a reservation that is not released.
func (r Reservation) bucket() Bucket {
	if r.Status == StatusCommitted {
		return Shipped
	}
	return Reserved
}

func (r Reservation) result() contract.Result {
	return contract.Result{OrderID: r.OrderID, Status: string(r.Status)}
}

// GetReservation returns an order's reservation, or ErrNoReservation.
func (s *Service) GetReservation(ctx context.Context, orderID string) (Reservation, error) {
	return s.store.Reservation(ctx, orderID)
}

// ListReservations returns the reservations of up to 50 distinct orders, in their order; those
// without one are left out.
func (s *Service) ListReservations(ctx context.Context, orderIDs []string) ([]Reservation, error) {
	return s.store.Reservations(ctx, orderIDs)
}
