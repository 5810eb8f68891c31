package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/dynamo"
	"orderflow/sandbox/provider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) provider.Store {
		return dynamo.Store{Table: ddbtest.NewTable(t, c, dynamo.Index)}
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storesuite.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (provider.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c, dynamo.Index)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}, storetest.TwoVersions)
}
