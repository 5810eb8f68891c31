package contract

// Shipment is the shipment of an order in answers of the API. Status is REQUESTED, BOOKED, REFUSED
// or CANCELLED.
type Shipment struct {
	OrderID        string `json:"orderId"`
	Status         string `json:"status"`
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Reason is why it was refused.
	Reason string `json:"reason,omitempty"`
}
