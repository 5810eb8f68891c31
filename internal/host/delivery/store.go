package delivery

import (
	"context"
	"time"
)

// Message is a message in a queue.
type Message struct {
	Queue    string // name
	ID       string // of every copy, another one
	Body     string
	Receives int  // failed deliveries
	Dead     bool // it is a dead letter
	// Due is when it comes again after a failed delivery, also in another process: deliveries in
	// quick succession would use up its attempts while what it needs is not there yet.
	Due time.Time
}

// Store keeps messages until they are handled. What it does not keep is lost with the process.
type Store interface {
	// Keep writes messages, new ones and those that have changed. If it fails, it may have written
	// some.
	Keep(ctx context.Context, messages []Message) error
	// Drop deletes messages of a queue. It is no error if there are none.
	Drop(ctx context.Context, queue string, ids []string) error
	// Messages returns all messages of a queue by id, read consistently.
	Messages(ctx context.Context, queue string) ([]Message, error)
}
