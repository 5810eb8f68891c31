// Package contract is what orders publishes: the inputs and results of the steps that a saga
// calls, and its events with their schemas. Other services import nothing else of orders.
package contract

// Confirm is the input of confirm-order.
type Confirm struct {
	OrderID string `json:"orderId"`
	// TrackingNumber is the carrier's, if it gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
}

// Close is the input of close-order.
type Close struct {
	OrderID string `json:"orderId"`
}

// Reject is the input of reject-order.
type Reject struct {
	OrderID string `json:"orderId"`
	// Reason is one of the reason codes of an order; any other counts as INTERNAL. Who cancelled an
	// order is on the order.
	Reason string `json:"reason"`
	// Detail is for operators. It must hold no personal data.
	Detail string `json:"detail"`
}

// Flag is the input of flag-order.
type Flag struct {
	OrderID string `json:"orderId"`
	// Reason and Detail say what could not be undone, for operators. They must hold no personal
	// data.
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// Result is what confirm-order, reject-order and flag-order return.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is where the order stands after the step, which may be elsewhere than the step
	// wanted: a final order stays as it is.
	Status string `json:"status"`
}

// Closed is what close-order returns.
type Closed struct {
	// Confirmed says that the order was confirmed before, so nothing may be undone any more.
	// Otherwise it can never be confirmed from now on.
	Confirmed bool `json:"confirmed"`
}
