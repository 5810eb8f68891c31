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

// store has the outbox as the relay sees it.
type store struct {
	dynamo.Store
	ddbtest.Stream
}

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (catalog.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return store{dynamo.Open(table), ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
