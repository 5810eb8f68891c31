package provider

import (
	"time"

	"orderflow/internal/platform/money"
)

// Status is where a charge stands.
type Status string

// A charge goes from AUTHORIZED to CAPTURED or VOIDED, and from CAPTURED to REFUNDED.
const (
	StatusAuthorized Status = "AUTHORIZED"
	StatusCaptured   Status = "CAPTURED"
	StatusVoided     Status = "VOIDED"
	StatusRefunded   Status = "REFUNDED"
)

// Valid reports whether s is one of the four.
func (s Status) Valid() bool {
	switch s {
	case StatusAuthorized, StatusCaptured, StatusVoided, StatusRefunded:
		return true
	}
	return false
}

// Charge is money held or taken.
type Charge struct {
	ID        string      `json:"id"`
	Reference string      `json:"reference"`
	Status    Status      `json:"status"`
	Amount    money.Money `json:"amount"`
	// Captured is true only as long as captured money is held: not after a refund.
	Captured bool `json:"captured"`
	// RefundedAmount is what was given back so far, in parts or as a whole.
	RefundedAmount money.Money `json:"refundedAmount,omitzero"`
	CreatedAt      time.Time   `json:"createdAt"`
	// Dispute is OPEN where the customer's bank claims the captured money back; else empty.
	Dispute string `json:"dispute,omitempty"`
}

// disputeOpen is the only state of a dispute that there is here: nobody decides it.
const disputeOpen = "OPEN"

// In returns the charge in another status. Whatever was not given back before is, if it is now REFUNDED.
func (c Charge) In(s Status) Charge {
	c.Status, c.Captured = s, s == StatusCaptured
	if s == StatusRefunded {
		c.RefundedAmount = c.Amount
	}
	return c
}

// Entry is all that is kept of one reference. There is at most one charge in it, ever.
type Entry struct {
	Reference string
	Charge    *Charge
	// Voided shuts the reference: there will be no charge and no capture any more.
	Voided bool
	// Disputed has the charge disputed as soon as it is captured.
	Disputed bool
	// Faults is how many requests failed on purpose.
	Faults int
	// Version counts the changes; 0 where nothing was ever written.
	Version int64
}

// Identity is under which id it is stored, and which version; see commit.Aggregate.
func (e Entry) Identity() (id string, version int64) { return e.Reference, e.Version }
