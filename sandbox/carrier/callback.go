package carrier

// Callback tells the client the decision on its booking. Every repetition is the same.
type Callback struct {
	ID             string `json:"id"`
	Reference      string `json:"reference"`
	ShipmentID     string `json:"shipmentId"`
	Status         Status `json:"status"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	Reason         string `json:"reason,omitempty"`
}

// Due is a callback to be sent. TraceParent is the trace of the booking.
type Due struct{ Reference, TraceParent string }

// callback returns the callback for the decision on s.
func (s Shipment) callback() Callback {
	return Callback{
		ID: "cb_" + serial(s.ID), Reference: s.Reference, ShipmentID: s.ID, Status: s.Status,
		TrackingNumber: s.TrackingNumber, Reason: s.Reason,
	}
}
