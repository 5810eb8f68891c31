package shipping

import (
	"context"
	"time"

	"orderflow/internal/shipping/contract"
)

// Status is where a shipment stands.
type Status string

// A shipment is asked for, then the carrier books or refuses it. Ours is to cancel it.
const (
	StatusRequested Status = "REQUESTED"
	StatusBooked    Status = "BOOKED"
	StatusRefused   Status = "REFUSED"
	StatusCancelled Status = "CANCELLED"
)

// Shipment is the delivery of an order. Where to is not kept.
type Shipment struct {
	OrderID    string
	CustomerID string
	Status     Status
	// CarrierID is the carrier's name for it.
	CarrierID      string
	TrackingNumber string
	// Reason is why it was refused, in the words of the carrier.
	Reason string
	// ResumeToken is handed back to the saga that waits; empty while none does.
	ResumeToken string
	// TraceParent is the trace in which the carrier was asked: its callback goes on with it, whatever the carrier hands on.
	TraceParent string
	// Version counts the changes, from 1.
	Version   int64
	UpdatedAt time.Time
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (sh Shipment) Identity() (id string, version int64) { return sh.OrderID, sh.Version }

// next returns the shipment's next version, to be changed and saved.
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

// eventType is the type of the event that tells of the shipment's status.
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
	return s.store.Shipment(ctx, orderID)
}
