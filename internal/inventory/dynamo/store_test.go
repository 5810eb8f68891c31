package dynamo_test

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/dynamo"
	"orderflow/internal/inventory/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
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
			open := func(t *testing.T, c clock.Clock) (inventory.Store, storesuite.Newer) {
				table := ddbtest.NewTable(t, c, ddb.OpenIndex)
				table.Previous = previous
				return store{dynamo.Open(table), ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
			}
			storesuite.Run(t, open, storetest.Suite)
		})
	}
}
