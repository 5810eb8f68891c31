package dynamo_test

import (
	"testing"

	"orderflow/internal/orders/dynamo"
	"orderflow/internal/orders/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) storetest.Store {
		return dynamo.Store{Table: ddbtest.NewTable(t, c, dynamo.Index, ddb.OpenIndex)}
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storesuite.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (storetest.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c, dynamo.Index, ddb.OpenIndex)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}, storetest.TwoVersions)
}
