package orders

import (
	"slices"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Status is an order's state.
type Status string

// The statuses of an order.
const (
	StatusPending        Status = "PENDING"
	StatusConfirmed      Status = "CONFIRMED"
	StatusRejected       Status = "REJECTED"
	StatusCancelled      Status = "CANCELLED"
	StatusNeedsAttention Status = "NEEDS_ATTENTION"
)

// transitions is the whole state machine. It has no cycle: no status is ever reached twice.
var transitions = map[Status][]Status{
	StatusPending:        {StatusConfirmed, StatusRejected, StatusCancelled, StatusNeedsAttention},
	StatusNeedsAttention: {StatusRejected, StatusCancelled},
}

// Final reports whether an order of this status never changes again.
func (s Status) Final() bool { return len(transitions[s]) == 0 }

// Reason is the code for why an order has its status; empty for PENDING and CONFIRMED.
type Reason string

// The reason codes.
const (
	ReasonOutOfStock          Reason = "OUT_OF_STOCK"
	ReasonPaymentDeclined     Reason = "PAYMENT_DECLINED"
	ReasonPaymentVoided       Reason = "PAYMENT_VOIDED"
	ReasonPaymentAbandoned    Reason = "PAYMENT_ABANDONED"
	ReasonShipmentRefused     Reason = "SHIPMENT_REFUSED"
	ReasonTimedOut            Reason = "TIMED_OUT"
	ReasonCancelledByCustomer Reason = "CANCELLED_BY_CUSTOMER"
	ReasonCancelledByOperator Reason = "CANCELLED_BY_OPERATOR"
	ReasonCompensationFailed  Reason = "COMPENSATION_FAILED"
	ReasonInternal            Reason = "INTERNAL"
)

// reasonOf reads the reason code in a step's input. An unknown code counts as ReasonInternal: if
// the step failed, the order would stay PENDING for ever. The cancellation reasons are not read,
// because the saga does not know who cancelled an order; the order does.
func reasonOf(code string) Reason {
	switch r := Reason(code); r {
	case ReasonOutOfStock, ReasonPaymentDeclined, ReasonPaymentVoided, ReasonPaymentAbandoned,
		ReasonShipmentRefused, ReasonTimedOut, ReasonCompensationFailed:
		return r
	default:
		return ReasonInternal
	}
}

// Party is a third party that an order needs.
type Party string

// The parties.
const (
	PaymentProvider Party = "PAYMENT_PROVIDER"
	Carrier         Party = "CARRIER"
)

// partyOf has the party that a step of the saga calls.
var partyOf = map[string]Party{
	"AuthorizePayment": PaymentProvider, "CapturePayment": PaymentProvider,
	"ArrangeShipment": Carrier, "AwaitShipment": Carrier,
}

// Order is a customer's order.
type Order struct {
	OrderID         string           `json:"orderId"`
	CustomerID      string           `json:"customerId"`
	CustomerEmail   string           `json:"customerEmail"`
	Status          Status           `json:"status"`
	Reason          Reason           `json:"reason"`
	Items           []contract.Item  `json:"items"`
	Total           money.Money      `json:"total"`
	ShippingAddress contract.Address `json:"shippingAddress"`
	PaymentMethod   string           `json:"paymentMethod"`
	CancelRequested bool             `json:"cancelRequested"`
	// CancelRequestedBy is who requested it first; empty on orders older than this field.
	CancelRequestedBy Requester `json:"cancelRequestedBy,omitempty"`
	// Closed means that the order can no longer be confirmed.
	Closed bool `json:"closed"`
	// Detail explains the reason to operators. Customers never see it.
	Detail string `json:"detail"`
	// Shortages are the lines that were short of stock, if that is the reason.
	Shortages []Shortage `json:"shortages,omitempty"`
	// TrackingNumber is the carrier's, once the order is confirmed, if the carrier gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// TrackingURL is the carrier's page for the shipment, if the shop has configured one.
	TrackingURL string `json:"trackingUrl,omitempty"`
	// NextAction is what the customer must do, if the order waits for it.
	NextAction *NextAction `json:"nextAction,omitempty"`
	// ActionVersion is the version of the payment that last set or cleared NextAction.
	ActionVersion int64 `json:"actionVersion,omitempty"`
	// Milestones are those of the saga, once the order is confirmed, each a whole number of
	// milliseconds after CreatedAt; see Progress.
	Milestones []Milestone `json:"milestones,omitempty"`
	// Version counts the changes, from 1.
	Version int64 `json:"version"`
	// Changes has a Change for each version; none for those that were written before this field.
	Changes   []Change  `json:"changes,omitempty"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// NextAction is what a customer must do before the order continues: authenticate for the payment.
type NextAction struct {
	// URL is the page for it, and Until the deadline.
	URL   string    `json:"url"`
	Until time.Time `json:"until"`
}

// Change is a version of an order: its status and reason from a time on. Successive changes may
// have the same status: a cancellation that was requested is a change, too.
type Change struct {
	Version int64     `json:"version"`
	Status  Status    `json:"status"`
	Reason  Reason    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// Identity implements commit.Aggregate.
func (o Order) Identity() (id string, version int64) { return o.OrderID, o.Version }

// Waits reports whether the order has not ended and has the status, if that is not "".
func (o Order) Waits(status Status) bool {
	return !o.Status.Final() && (status == "" || o.Status == status)
}

// WaitedFor is the third party that did not answer in time, if the order was rejected for that
// reason; otherwise "". The detail of a rejected order is the step that failed.
func (o Order) WaitedFor() Party {
	if o.Reason != ReasonTimedOut {
		return ""
	}
	return partyOf[o.Detail]
}

// errTransition is a defect: use cases check the status first.
var errTransition = fault.New(fault.Internal, "ForbiddenTransition",
	"the order's status does not allow this transition")

// transition returns the order's next version in another status. Every status but CONFIRMED closes
// the order, so a late confirmation is refused.
func (o Order) transition(status Status, reason Reason, detail string, at time.Time) (Order, error) {
	if !slices.Contains(transitions[o.Status], status) || status == StatusConfirmed && o.Closed {
		return Order{}, errTransition
	}
	o.Status, o.Reason, o.Detail = status, reason, truncate(detail)
	o.Closed, o.NextAction = status != StatusConfirmed, nil
	return o.changed(at), nil
}

// close returns the order's next version, which cannot be confirmed.
func (o Order) close(at time.Time) Order {
	o.Closed, o.NextAction = true, nil
	return o.changed(at)
}

// cancelReason returns the reason with which a cancelled order ends.
func (o Order) cancelReason() Reason {
	if o.CancelRequestedBy == ByOperator {
		return ReasonCancelledByOperator
	}
	return ReasonCancelledByCustomer
}

// changed returns the order as its next version.
func (o Order) changed(at time.Time) Order {
	o.Version, o.UpdatedAt = o.Version+1, at
	o.Changes = append(slices.Clip(o.Changes), Change{o.Version, o.Status, o.Reason, at})
	return o
}

func (o Order) result() contract.Result {
	return contract.Result{OrderID: o.OrderID, Status: string(o.Status)}
}

// maxDetail is the length of a detail in characters. A state machine may send a whole stack trace.
const maxDetail = 500

func truncate(s string) string {
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail])
	}
	return s
}
