package dynamo_test

import (
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/payments/dynamo"
	"orderflow/internal/payments/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

// store has the outbox as the relay sees it.
type store struct {
	dynamo.Store
	ddbtest.Stream
}

func TestStore(t *testing.T) {
	for form, previous := range ddbtest.Forms {
		t.Run(form, func(t *testing.T) {
			open := func(t *testing.T, c clock.Clock) (payments.Store, storesuite.Newer) {
				table := ddbtest.NewTable(t, c)
				table.Previous = previous
				return store{dynamo.Open(table), ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
			}
			storesuite.Run(t, open, storetest.Suite)
		})
	}
}
