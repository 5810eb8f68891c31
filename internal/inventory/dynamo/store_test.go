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

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (inventory.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c, ddb.OpenIndex)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
