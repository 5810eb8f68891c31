package orders

import (
	"slices"
	"time"
)

// Milestone is a point that an order has reached. Its code is one of SagaMilestones, PLACED, or a
// later status of the order.
type Milestone struct {
	Step string    `json:"step"`
	At   time.Time `json:"at"`
}

const milestonePlaced = "PLACED"

// SagaMilestones are the saga's milestones, in its order. Stores refer to them by position: append
// only.
var SagaMilestones = []string{"STOCK_RESERVED", "PAYMENT_AUTHORIZED", "SHIPMENT_BOOKED", "PAYMENT_CAPTURED"}

// nextSteps are the steps after them: each is reached when that step begins.
var nextSteps = []string{"AuthorizePayment", "ArrangeShipment", "CapturePayment", "CommitStock"}

// reached records the milestones of an order that has just been confirmed, from the times at which
// steps began. Invalid times are left out, because an order must not fail because of them. Clocks
// differ, so a time before the previous milestone or after the confirmation is moved there.
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

// Progress returns the milestones that the order has reached, by time. The saga's are known once
// the order is confirmed; in any other order they are undone.
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
