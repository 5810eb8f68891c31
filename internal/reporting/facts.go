package reporting

import (
	"cmp"
	"slices"
	"time"

	orders "orderflow/internal/orders/contract"
	payments "orderflow/internal/payments/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// ErrUnintelligible refuses a record that is not an event as its service describes it.
var ErrUnintelligible = fault.New(fault.Invalid, "UnintelligibleRecord", "not an event that reports can be built from")

// Bounds of the values in an event. Values within them fit into a transaction with any other order
// and into the table's keys, and millions of such amounts add up without overflow.
const (
	maxLines    = 40 // as in the contract of orders
	maxQuantity = 999
	maxName     = 64                // of an order, a SKU or a reason, in bytes
	maxAmount   = 1_000_000_000_000 // of an order, a line or a refund
)

// Facts are what the log has said so far about an order. The result of learning events depends
// neither on their order nor on how often each is learned, so a log that repeats or reorders events
// gives the same reports.
type Facts struct {
	OrderID string
	Placed  *Placed
	Ended   *Ended
	// Refunds are the refunds reported so far, by the payment's version.
	Refunds []Refund
	// Version grows by one with every write.
	Version int64
}

// Identity returns the order's id and the version of the facts.
func (f Facts) Identity() (orderID string, version int64) { return f.OrderID, f.Version }

// Placed is the fact that an order was placed.
type Placed struct {
	At    time.Time
	Lines []Line
}

// Line is a line of an order.
type Line struct {
	SKU       string
	Quantity  int64
	UnitPrice money.Money
}

// Status is the final status of an order.
type Status string

// Final statuses.
const (
	Confirmed Status = "CONFIRMED"
	Rejected  Status = "REJECTED"
	Cancelled Status = "CANCELLED"
)

// Ended is the fact that an order reached its final status.
type Ended struct {
	At     time.Time
	Status Status
	Reason string // a code; empty if confirmed
	Total  money.Money
}

// Refund is the sum of all refunds of an order as of a version of its payment.
type Refund struct {
	Version int64
	At      time.Time
	Sum     money.Money
}

// news is the content of an event about an order.
type news struct {
	orderID string
	placed  *Placed
	ended   *Ended
	refund  *Refund
}

// endings are the events that end an order.
var endings = map[string]Status{
	orders.OrderConfirmed: Confirmed, orders.OrderRejected: Rejected, orders.OrderCancelled: Cancelled,
}

// read returns the news in an event: none, for no order, if reports do not need it.
func read(e envelope.Event) (n news, err error) {
	switch status, ends := endings[e.Type]; {
	case ends:
		n, err = ended(e, status)
	case e.Type == orders.OrderCreated:
		n, err = placed(e)
	case e.Type == payments.PaymentRefunded, e.Type == payments.PaymentPartlyRefunded:
		n, err = refunded(e)
	default:
		return news{}, nil
	}
	if err == nil && (n.orderID != e.Subject || len(n.orderID) > maxName) {
		err = ErrUnintelligible
	}
	return n, err
}

func placed(e envelope.Event) (news, error) {
	data, err := envelope.Decode[orders.Created](e)
	if err != nil || len(data.Items) == 0 || len(data.Items) > maxLines {
		return news{}, ErrUnintelligible.Because(err)
	}
	p := &Placed{At: e.Time.UTC()}
	for _, item := range data.Items {
		if item.SKU == "" || len(item.SKU) > maxName || item.Quantity < 1 || item.Quantity > maxQuantity ||
			!sound(item.UnitPrice) || int64(item.Quantity)*item.UnitPrice.Amount > maxAmount {
			return news{}, ErrUnintelligible
		}
		p.Lines = append(p.Lines, Line{item.SKU, int64(item.Quantity), item.UnitPrice})
	}
	return news{orderID: data.OrderID, placed: p}, nil
}

func ended(e envelope.Event, status Status) (news, error) {
	data, err := envelope.Decode[orders.Changed](e)
	if err != nil || !sound(data.Total) || len(data.Reason) > maxName ||
		(status != Confirmed && data.Reason == "") {
		return news{}, ErrUnintelligible.Because(err)
	}
	return news{orderID: data.OrderID, ended: &Ended{e.Time.UTC(), status, data.Reason, data.Total}}, nil
}

func refunded(e envelope.Event) (news, error) {
	data, err := envelope.Decode[payments.PaymentEvent](e)
	if err != nil {
		return news{}, ErrUnintelligible.Because(err)
	}
	sum := data.Amount
	if data.RefundedAmount != nil {
		sum = *data.RefundedAmount
	}
	if !sound(sum) || e.AggregateVersion < 1 {
		return news{}, ErrUnintelligible
	}
	return news{orderID: data.OrderID, refund: &Refund{e.AggregateVersion, e.Time.UTC(), sum}}, nil
}

func sound(m money.Money) bool {
	_, err := money.Of(m.Currency, m.Amount)
	return err == nil && m.Amount <= maxAmount
}

// learn returns the facts with the news. It does not change f.
func (f Facts) learn(n news) (next Facts, changed bool) {
	if n.orderID == "" {
		return f, false
	}
	f.OrderID = n.orderID
	switch {
	case n.placed != nil && f.Placed == nil:
		f.Placed = n.placed
		return f, true
	case n.ended != nil && f.Ended == nil: // an order ends once
		f.Ended = n.ended
		return f, true
	case n.refund != nil:
		at, known := slices.BinarySearchFunc(f.Refunds, *n.refund, func(a, b Refund) int {
			return cmp.Compare(a.Version, b.Version)
		})
		if known {
			return f, false
		}
		f.Refunds = slices.Insert(slices.Clone(f.Refunds), at, *n.refund)
		return f, true
	}
	return f, false
}
