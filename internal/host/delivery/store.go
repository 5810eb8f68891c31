package delivery

import (
	"context"
	"time"
)

// Message is a message in a queue.
type Message struct {
	Queue    string // name
	ID       string // another one for each copy
	Body     string
	Receives int  // failed deliveries
	Dead     bool // it is a dead letter
	// Due is when it is redelivered after a failure, also by another process: immediate
	// redeliveries would use up its attempts before what it needs is available.
	Due time.Time
}

// Store keeps messages until they are handled. A message that it does not keep is lost with the
// process.
type Store interface {
	// Keep writes new and changed messages. If it fails, it may have written some of them.
	Keep(ctx context.Context, messages []Message) error
	// Drop deletes messages of a queue. Missing messages are not an error.
	Drop(ctx context.Context, queue string, ids []string) error
	// Messages returns all messages of a queue by id, read consistently.
	Messages(ctx context.Context, queue string) ([]Message, error)
}
