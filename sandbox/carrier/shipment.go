package carrier

import "time"

// Status is where a shipment stands.
type Status string

// A shipment is REQUESTED until the carrier has decided, then BOOKED or REFUSED; CANCELLED at any time.
const (
	StatusRequested Status = "REQUESTED"
	StatusBooked    Status = "BOOKED"
	StatusRefused   Status = "REFUSED"
	StatusCancelled Status = "CANCELLED"
)

// Shipment is what a client sees of its booking.
type Shipment struct {
	ID             string    `json:"id"`
	Reference      string    `json:"reference"`
	Status         Status    `json:"status"`
	TrackingNumber string    `json:"trackingNumber,omitempty"`
	Reason         string    `json:"reason,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
}

// Entry is all that is kept of one reference. There is at most one shipment in it, ever. Of
// the address only what the decision needs is kept.
type Entry struct {
	Reference  string
	Shipment   *Shipment
	PostalCode string
	// Cancelled shuts the reference: there will be no shipment any more.
	Cancelled bool
	// Answered: the client has taken the callback.
	Answered bool
	// Version counts the changes; 0 where nothing was ever written.
	Version int64
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (e Entry) Identity() (id string, version int64) { return e.Reference, e.Version }

// Postal codes that do something of their own.
const (
	postalRefused   = "00000"
	postalNotServed = "00001"
	postalSilent    = "99999"
)

// Callback tells the client what became of its booking. It says the same every time it is sent.
type Callback struct {
	ID             string `json:"id"`
	Reference      string `json:"reference"`
	ShipmentID     string `json:"shipmentId"`
	Status         Status `json:"status"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	Reason         string `json:"reason,omitempty"`
}

// Due asks for a reference's callback to be sent. TraceParent is that of the booking.
type Due struct{ Reference, TraceParent string }

// decided returns the shipment after the carrier's decision.
func (s Shipment) decided(postalCode string) Shipment {
	if postalCode == postalRefused {
		s.Status, s.Reason = StatusRefused, "address_not_served"
		return s
	}
	s.Status, s.TrackingNumber = StatusBooked, "TRK-"+serial(s.ID)
	return s
}

func (s Shipment) callback() Callback {
	return Callback{
		ID: "cb_" + serial(s.ID), Reference: s.Reference, ShipmentID: s.ID, Status: s.Status,
		TrackingNumber: s.TrackingNumber, Reason: s.Reason,
	}
}

const idPrefix = "shp_"

// serial is what is unique in a shipment's id.
func serial(id string) string { return id[len(idPrefix):] }
