package warehouse

import "time"

// Movement is a change of stock that the warehouse reported. Its effect in inventory is exactly
// once:
//
//   - Every attempt has the movement's id as its idempotency key. Inventory remembers keys for 24
//     hours.
//   - FirstTriedAt remembers the first attempt whose outcome is unknown. When inventory may have
//     forgotten the key, no more attempts are made, and an operator decides.
//   - A refusal proves that no earlier attempt took effect, since inventory would have replayed
//     its result. So it clears Attempts.
//   - ClaimedUntil keeps a second delivery from trying at the same time, which could make the
//     refusal of one wrong for the other.
type Movement struct {
	// ID is the id of the warehouse's message.
	ID    string
	SKU   string
	Delta int
	// Reason names the worker, the cause and the message; it goes into the audit log.
	Reason string
	// Applied says that inventory has made the adjustment, or that no adjustment is needed.
	Applied bool
	Attempts
	// Version counts the changes, from 1.
	Version int64
}

// Attempts is what is known of the attempts to apply a movement.
type Attempts struct {
	FirstTriedAt time.Time
	ClaimedUntil time.Time
}

// Identity returns the id and version that it is stored under; see commit.Aggregate.
func (m Movement) Identity() (id string, version int64) { return m.ID, m.Version }

// Times of attempts.
const (
	// Claim is longer than the function's timeout and shorter than the queue's visibility timeout.
	Claim = 45 * time.Second
	// keyLife is how long inventory remembers a key, less an hour for the last attempt and for
	// clocks that differ.
	keyLife = 23 * time.Hour
)
