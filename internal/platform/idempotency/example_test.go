package idempotency_test

import (
	"context"
	"fmt"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/memdb"
)

// A request is sent twice, then its key with a different request.
func ExampleDo() {
	log := memdb.NewLog(clock.System{})
	orders := 0
	place := func(body string) {
		req := idempotency.Request{Scope: "alice#placeOrder", Key: "key-1", Hash: idempotency.Hash([]byte(body))}
		run := func(_ context.Context, once idempotency.Once) (string, error) {
			order := fmt.Sprintf("order %d", orders+1)
			return order, log.Commit(commit.With{Reply: once.Returning(order)}, func() error { orders++; return nil })
		}
		order, replayed, err := idempotency.Do(context.Background(), log, req, run)
		fmt.Printf("%q replayed=%v %v\n", order, replayed, err)
	}
	place("2 mugs")
	place("2 mugs")
	place("3 mugs")
	// Output:
	// "order 1" replayed=false <nil>
	// "order 1" replayed=true <nil>
	// "" replayed=false IdempotencyKeyReused: this Idempotency-Key was used before with a different request
}
