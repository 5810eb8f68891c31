// Package commit names what goes into one transaction beside a business change. Stores
// take it with every write, so that the change, the proof that it happened (barrier
// or idempotency record) and the events that it causes stand or fall together.
package commit

import (
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/idempotency"
)

// With is the company of a business change. Its zero value is none.
type With struct {
	Barrier *barrier.Entry
	Reply   *idempotency.Entry
	Events  []envelope.Event
}
