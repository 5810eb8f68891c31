// Package contract is what orders publishes: the inputs and results of the steps that a saga calls,
// its events with their schemas, and the API's answers about orders. Other services import nothing
// else of orders.
package contract

// Confirm is the input of confirm-order.
type Confirm struct {
	OrderID string `json:"orderId"`
	// TrackingNumber is the carrier's, if it gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Began is when each step of the saga began, by its name, as of RFC 3339. It is for the order's
	// progress only: a time that cannot be read is left out.
	Began map[string]string `json:"began,omitempty"`
}

// Close is the input of close-order.
type Close struct {
	OrderID string `json:"orderId"`
}

// Reject is the input of reject-order.
type Reject struct {
	OrderID string `json:"orderId"`
	// Reason is an order's reason code, but not one of a cancellation: the order knows who
	// cancelled it. Any other value counts as INTERNAL.
	Reason string `json:"reason"`
	// Detail is for operators. It must not contain personal data.
	Detail string `json:"detail"`
	// Shortages says of which lines stock was short, if the reason is OUT_OF_STOCK: for each the
	// line's number, from 1, and how many pieces are missing, such as "1:3 4:1".
	Shortages string `json:"shortages,omitempty"`
}

// Flag is the input of flag-order.
type Flag struct {
	OrderID string `json:"orderId"`
	// Reason and Detail tell operators what could not be undone. They must not contain personal
	// data.
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// Result is what confirm-order, reject-order and flag-order return.
type Result struct {
	OrderID string `json:"orderId"`
	// Status is the order's status after the step. A step does not change a final order.
	Status string `json:"status"`
}

// Closed is what close-order returns.
type Closed struct {
	// Confirmed means that the order is confirmed, so nothing may be undone. Otherwise it can never
	// be confirmed from now on.
	Confirmed bool `json:"confirmed"`
}
