package dynamo_test

import (
	"testing"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/dynamo"
	"orderflow/internal/catalog/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (catalog.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Open(table), ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
