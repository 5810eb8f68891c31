package carrier

import "time"

// Shipment is a booking as clients see it.
type Shipment struct {
	ID             string    `json:"id"`
	Reference      string    `json:"reference"`
	Status         Status    `json:"status"`
	TrackingNumber string    `json:"trackingNumber,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
}

// Status is the status of a shipment.
type Status string

// A shipment is REQUESTED until the carrier decides, then BOOKED or REFUSED. It can be CANCELLED at
// any time.
const (
	StatusRequested Status = "REQUESTED"
	StatusBooked    Status = "BOOKED"
	StatusRefused   Status = "REFUSED"
	StatusCancelled Status = "CANCELLED"
)

// Entry is everything stored for one reference. It has at most one shipment, ever. Of the address
// it keeps only what the decision needs.
type Entry struct {
	Reference  string
	Shipment   *Shipment
	PostalCode string
	// Cancelled closes the reference: later bookings are refused.
	Cancelled bool
	// Answered says that the client has accepted the callback.
	Answered bool
	// Version counts the changes; 0 if nothing was ever written.
	Version int64
}

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (e Entry) Identity() (id string, version int64) { return e.Reference, e.Version }

// Postal codes with special behaviour.
const (
	postalRefused   = "00000"
	postalNotServed = "00001"
	postalSilent    = "99999"
)

// decided returns the shipment after the carrier's decision.
func (s Shipment) decided(postalCode string) Shipment {
	if postalCode == postalRefused {
		s.Status, s.Reason = StatusRefused, "address_not_served"
		return s
	}
	s.Status, s.TrackingNumber = StatusBooked, "TRK-"+serial(s.ID)
	return s
}

const idPrefix = "shp_"

// serial returns a shipment's id without its prefix.
func serial(id string) string { return id[len(idPrefix):] }
