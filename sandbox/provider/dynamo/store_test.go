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
	open := func(t *testing.T, c clock.Clock) (provider.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c, dynamo.Index)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
