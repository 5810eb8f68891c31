package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/dynamo"
	"orderflow/internal/warehouse/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (warehouse.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
