package shipping

import (
	"context"
	"time"

	"orderflow/internal/shipping/contract"
)

// Status is the state of a shipment.
type Status string

// We request a shipment, then the carrier books or refuses it. Only we cancel it.
const (
	StatusRequested Status = "REQUESTED"
	StatusBooked    Status = "BOOKED"
	StatusRefused   Status = "REFUSED"
	StatusCancelled Status = "CANCELLED"
)

// Shipment is the shipment of an order. The address is not stored.
type Shipment struct {
	OrderID    string
	CustomerID string
	Status     Status
	// CarrierID is the carrier's id.
	CarrierID      string
	TrackingNumber string
	// Reason is the carrier's reason for a refusal.
	Reason string
	// ResumeToken resumes the saga that waits for the decision; empty if none does.
	ResumeToken string
	// TraceParent is the trace of the booking. The callback continues it, whatever the carrier
	// propagates.
	TraceParent string
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity implements commit.Aggregate.
func (sh Shipment) Identity() (id string, version int64) { return sh.OrderID, sh.Version }

// next returns the shipment's next version.
func (sh Shipment) next(at time.Time) Shipment {
	sh.UpdatedAt, sh.Version = at, sh.Version+1
	return sh
}

// moveTo returns the shipment's next version with another status.
func (sh Shipment) moveTo(status Status, at time.Time) Shipment {
	sh.Status = status
	return sh.next(at)
}

func (sh Shipment) result() contract.Result {
	return contract.Result{OrderID: sh.OrderID, Status: string(sh.Status)}
}

// eventType is the type of the event for the shipment's status.
func (sh Shipment) eventType() string {
	switch sh.Status {
	case StatusBooked:
		return contract.ShipmentBooked
	case StatusRefused:
		return contract.ShipmentRefused
	case StatusCancelled:
		return contract.ShipmentCancelled
	default:
		return contract.ShipmentRequested
	}
}

// GetShipment returns an order's shipment, or ErrNoShipment.
func (s *Service) GetShipment(ctx context.Context, orderID string) (Shipment, error) {
	return s.store.Get(ctx, orderID)
}

// ListShipments returns the shipments of up to 50 distinct orders, in their order; those without
// one are left out.
func (s *Service) ListShipments(ctx context.Context, orderIDs []string) ([]Shipment, error) {
	return s.store.GetMany(ctx, orderIDs)
}
