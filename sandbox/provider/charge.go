package provider

import (
	"time"

	"orderflow/internal/platform/money"
)

// Status is the status of a charge.
type Status string

// A charge goes from AUTHORIZED to CAPTURED or VOIDED, and from CAPTURED to REFUNDED.
const (
	StatusAuthorized Status = "AUTHORIZED"
	StatusCaptured   Status = "CAPTURED"
	StatusVoided     Status = "VOIDED"
	StatusRefunded   Status = "REFUNDED"
	// StatusActionRequired is the status before there is a charge: the customer must act.
	StatusActionRequired Status = "ACTION_REQUIRED"
)

// Valid reports whether s is one of the four.
func (s Status) Valid() bool {
	switch s {
	case StatusAuthorized, StatusCaptured, StatusVoided, StatusRefunded:
		return true
	}
	return false
}

// Charge is authorized or captured money.
type Charge struct {
	ID        string      `json:"id"`
	Reference string      `json:"reference"`
	Status    Status      `json:"status"`
	Amount    money.Money `json:"amount"`
	// Captured is true from the capture until the full refund.
	Captured bool `json:"captured"`
	// RefundedAmount is the sum of the refunds.
	RefundedAmount money.Money `json:"refundedAmount,omitzero"`
	CreatedAt      time.Time   `json:"createdAt"`
	// Dispute is OPEN if the customer's bank disputes the charge, otherwise empty.
	Dispute string `json:"dispute,omitempty"`
	// NextAction is what the customer must do, in status ACTION_REQUIRED only.
	NextAction *NextAction `json:"nextAction,omitempty"`
}

// NextAction sends the customer to a page.
type NextAction struct {
	Type string `json:"type"` // REDIRECT
	URL  string `json:"url"`
}

// disputeOpen is the only state of a dispute, since disputes are never decided here.
const disputeOpen = "OPEN"

// In returns the charge with another status. REFUNDED refunds the rest of the amount.
func (c Charge) In(s Status) Charge {
	c.Status, c.Captured = s, s == StatusCaptured
	if s == StatusRefunded {
		c.RefundedAmount = c.Amount
	}
	return c
}

// Entry is everything stored for one reference. It has at most one charge, ever.
type Entry struct {
	Reference string
	Charge    *Charge
	// Asked is the charge that waits for the customer. It becomes the Charge, or the customer
	// fails.
	Asked *Charge
	// Failed says that the customer failed to authenticate. It is final.
	Failed bool
	// Voided closes the reference: later charges and captures are refused.
	Voided bool
	// Disputed says that the charge is disputed as soon as it is captured.
	Disputed bool
	// Faults counts the requests that failed on purpose.
	Faults int
	// VoidFaults is how many voids are still refused on purpose.
	VoidFaults int
	// Version counts the changes; 0 if nothing was ever written.
	Version int64
}

// Waits reports whether the customer must still answer.
func (e Entry) Waits() bool { return e.Asked != nil && e.Charge == nil && !e.Failed && !e.Voided }

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (e Entry) Identity() (id string, version int64) { return e.Reference, e.Version }
