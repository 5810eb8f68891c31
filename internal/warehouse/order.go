package warehouse

import (
	"time"

	"orderflow/internal/warehouse/contract"
)

// Order has the facts about an order. Facts are added in any order and never removed.
type Order struct {
	ID string
	// Lines are the units that inventory has committed; none until then.
	Lines []contract.Line
	// ConfirmedBy and CancelledBy are the ids of the events that confirmed or cancelled the order.
	// They become the ids of the messages to the warehouse, so that all attempts at a message have
	// the same id.
	ConfirmedBy string
	CancelledBy string
	// Sent says that the broker has confirmed the order's message: the job or the cancellation.
	Sent bool
	// PickedAt and PackedAt are when the warehouse's message was handled; zero until then.
	PickedAt time.Time
	PackedAt time.Time
	// Version counts the changes, from 1.
	Version int64
}

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (o Order) Identity() (id string, version int64) { return o.ID, o.Version }

// ToPick reports whether the warehouse is to pick the order.
func (o Order) ToPick() bool { return o.ConfirmedBy != "" && len(o.Lines) > 0 }
