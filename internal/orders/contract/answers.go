package contract

import (
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/money"
)

// Order is an order in answers of the API.
type Order struct {
	OrderID string `json:"orderId"`
	Status  string `json:"status"`
	// Reason is why a final order is not confirmed; otherwise nil.
	Reason          *string     `json:"reason"`
	Items           []Item      `json:"items"`
	Total           money.Money `json:"total"`
	ShippingAddress Address     `json:"shippingAddress"`
	PaymentMethod   string      `json:"paymentMethod"`
	WaitedFor       string      `json:"waitedFor,omitempty"`
	Shortages       []Shortage  `json:"shortages,omitempty"`
	NextAction      *NextAction `json:"nextAction,omitempty"`
	CancelRequested bool        `json:"cancelRequested"`
	TrackingNumber  string      `json:"trackingNumber,omitempty"`
	TrackingURL     string      `json:"trackingUrl,omitempty"`
	Progress        []Milestone `json:"progress"`
	// Version goes up by one with every change.
	Version int64 `json:"version"`
	// Changes has every version, oldest first.
	Changes   []Change    `json:"changes"`
	CreatedAt clock.Stamp `json:"createdAt"`
	UpdatedAt clock.Stamp `json:"updatedAt"`
}

// Pending is the status of an order in progress. All others are final.
const Pending = "PENDING"

// Final reports whether the order is no longer pending.
func (o Order) Final() bool { return o.Status != Pending }

// Why returns the reason, or "".
func (o Order) Why() string { return orEmpty(o.Reason) }

// Change is a version of an order, with its status and reason from then on.
type Change struct {
	Version int64       `json:"version"`
	Status  string      `json:"status"`
	Reason  *string     `json:"reason"`
	At      clock.Stamp `json:"at"`
}

// Authenticate is the type of a next action: the customer's bank wants them to authenticate.
const Authenticate = "AUTHENTICATE"

// NextAction is what the customer must do before a time.
type NextAction struct {
	Type  string      `json:"type"`
	URL   string      `json:"url"`
	Until clock.Stamp `json:"until"`
}

// Milestone is something that an order has reached.
type Milestone struct {
	Step string      `json:"step"`
	At   clock.Stamp `json:"at"`
}

// Shortage says how many pieces of a line were missing when the stock was to be reserved.
type Shortage struct {
	SKU     string `json:"sku"`
	Missing int    `json:"missing"`
}

// FoundOrder is an order in an operator's list.
type FoundOrder struct {
	OrderID         string  `json:"orderId"`
	CustomerID      string  `json:"customerId"`
	Status          string  `json:"status"`
	Reason          *string `json:"reason"`
	Detail          string  `json:"detail,omitempty"`
	CancelRequested bool    `json:"cancelRequested"`
	TrackingNumber  string  `json:"trackingNumber,omitempty"`
	// CustomerActionUntil is until when the customer must act, if the order waits for that.
	CustomerActionUntil *clock.Stamp `json:"customerActionUntil,omitempty"`
	Total               money.Money  `json:"total"`
	CreatedAt           clock.Stamp  `json:"createdAt"`
	UpdatedAt           clock.Stamp  `json:"updatedAt"`
}

// Why returns the reason, or "".
func (o FoundOrder) Why() string { return orEmpty(o.Reason) }

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
