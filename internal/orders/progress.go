package orders

import (
	"slices"
	"time"
)

// Milestone is something that an order has reached. Its code is one of the saga's, or PLACED, or a
// later status of the order.
type Milestone struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
}

const milestonePlaced = "PLACED"

// SagaMilestones are those of the saga, in its order. Stores know them by their place: append only.
var SagaMilestones = []string{"STOCK_RESERVED", "PAYMENT_AUTHORIZED", "SHIPMENT_BOOKED", "PAYMENT_CAPTURED"}

// nextSteps are the steps after them: each is reached when that step begins.
var nextSteps = []string{"AuthorizePayment", "ArrangeShipment", "CapturePayment", "CommitStock"}

// reached records the milestones of an order that has just been confirmed: steps began at these
// times. What is not a time is left out: an order must not fail because of it. Clocks differ, so a
// time may be before the previous milestone or after the confirmation; it is moved there.
func (o Order) reached(began map[string]string) Order {
	o.Milestones = nil
	var last time.Duration
	for i, step := range SagaMilestones {
		at, err := time.Parse(time.RFC3339Nano, began[nextSteps[i]])
		if err != nil {
			continue
		}
		after := min(at.Sub(o.CreatedAt), o.UpdatedAt.Sub(o.CreatedAt)).Truncate(time.Millisecond)
		last = max(after, last)
		o.Milestones = append(o.Milestones, Milestone{step, o.CreatedAt.Add(last)})
	}
	return o
}

// Progress returns what the order has reached, by time. Those of the saga are known once the order
// is confirmed; of any other order everything is undone.
func (o Order) Progress() []Milestone {
	all := append([]Milestone{{milestonePlaced, o.CreatedAt}}, o.Milestones...)
	last := StatusPending
	for _, c := range o.Changes {
		if c.Status != last {
			all = append(all, Milestone{string(c.Status), c.At})
		}
		last = c.Status
	}
	slices.SortStableFunc(all, func(a, b Milestone) int { return a.At.Compare(b.At) })
	return all
}
