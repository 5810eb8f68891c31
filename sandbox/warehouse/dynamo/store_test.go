package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/warehouse"
	"orderflow/sandbox/warehouse/dynamo"
	"orderflow/sandbox/warehouse/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (warehouse.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
