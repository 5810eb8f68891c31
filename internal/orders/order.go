package orders

import (
	"slices"
	"time"

	"orderflow/internal/orders/contract"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Status is where an order stands.
type Status string

// The statuses of an order.
const (
	StatusPending        Status = "PENDING"
	StatusConfirmed      Status = "CONFIRMED"
	StatusRejected       Status = "REJECTED"
	StatusCancelled      Status = "CANCELLED"
	StatusNeedsAttention Status = "NEEDS_ATTENTION"
)

// transitions is the whole state machine. It has no cycle: a status, once left, never comes back.
var transitions = map[Status][]Status{
	StatusPending:        {StatusConfirmed, StatusRejected, StatusCancelled, StatusNeedsAttention},
	StatusNeedsAttention: {StatusRejected, StatusCancelled},
}

// Final reports whether an order of this status never changes again.
func (s Status) Final() bool { return len(transitions[s]) == 0 }

// Reason is the code that says why an order ended as it did; empty while it is PENDING and when it is CONFIRMED.
type Reason string

// The reason codes.
const (
	ReasonOutOfStock          Reason = "OUT_OF_STOCK"
	ReasonPaymentDeclined     Reason = "PAYMENT_DECLINED"
	ReasonPaymentVoided       Reason = "PAYMENT_VOIDED"
	ReasonShipmentRefused     Reason = "SHIPMENT_REFUSED"
	ReasonTimedOut            Reason = "TIMED_OUT"
	ReasonCancelledByCustomer Reason = "CANCELLED_BY_CUSTOMER"
	ReasonCancelledByOperator Reason = "CANCELLED_BY_OPERATOR"
	ReasonCompensationFailed  Reason = "COMPENSATION_FAILED"
	ReasonInternal            Reason = "INTERNAL"
)

// reasonOf reads the reason code that a step was given. A step that ends an order must not fail over a code that
// nobody knows: the order would stay PENDING for good. Who cancelled an order is on the order itself; a
// step cannot say so, because a saga sees only that its order was closed, not by whom.
func reasonOf(code string) Reason {
	switch r := Reason(code); r {
	case ReasonOutOfStock, ReasonPaymentDeclined, ReasonPaymentVoided, ReasonShipmentRefused, ReasonTimedOut, ReasonCompensationFailed:
		return r
	default:
		return ReasonInternal
	}
}

// Requester is who asked for an order to be cancelled.
type Requester string

// An operator who cancels an order of their own is its customer.
const (
	ByCustomer Requester = "CUSTOMER"
	ByOperator Requester = "OPERATOR"
)

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
	// CancelRequested says that the order is to be cancelled.
	CancelRequested bool `json:"cancelRequested"`
	// CancelRequestedBy is who asked for that first; empty on orders from before it was written down.
	CancelRequestedBy Requester `json:"cancelRequestedBy,omitempty"`
	// Closed bars the order from being confirmed.
	Closed bool `json:"closed"`
	// Detail tells operators more about the reason. It is never answered to customers.
	Detail string `json:"detail"`
	// TrackingNumber is the carrier's, once the order is confirmed, if the carrier gave one.
	TrackingNumber string `json:"trackingNumber,omitempty"`
	// Version counts the changes, from 1.
	Version   int64     `json:"version"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (o Order) Identity() (id string, version int64) { return o.OrderID, o.Version }

// errTransition is a defect: use cases decide before they ask for a transition.
var errTransition = fault.New(fault.Internal, "ForbiddenTransition", "the order cannot go from its status to that one")

// become returns the order's next version in another status. All that is not CONFIRMED by then is
// closed, so a confirmation that comes late is refused whatever it finds.
func (o Order) become(status Status, reason Reason, detail string, at time.Time) (Order, error) {
	if !slices.Contains(transitions[o.Status], status) || status == StatusConfirmed && o.Closed {
		return Order{}, errTransition
	}
	o = o.next(at)
	o.Status, o.Reason, o.Detail = status, reason, shortened(detail)
	o.Closed = status != StatusConfirmed
	return o, nil
}

// close returns the order's next version, barred from being confirmed.
func (o Order) close(at time.Time) Order {
	o = o.next(at)
	o.Closed = true
	return o
}

// cancellation is the reason of an order that ends because somebody asked for it.
func (o Order) cancellation() Reason {
	if o.CancelRequestedBy == ByOperator {
		return ReasonCancelledByOperator
	}
	return ReasonCancelledByCustomer
}

func (o Order) next(at time.Time) Order {
	o.Version, o.UpdatedAt = o.Version+1, at
	return o
}

func (o Order) result() contract.Result {
	return contract.Result{OrderID: o.OrderID, Status: string(o.Status)}
}

// maxDetail is how many characters of a detail are kept; a state machine may pass on a whole stack trace.
const maxDetail = 500

func shortened(s string) string {
	if r := []rune(s); len(r) > maxDetail {
		return string(r[:maxDetail])
	}
	return s
}
