package dynamo_test

import (
	"testing"

	"orderflow/internal/notifications"
	"orderflow/internal/notifications/dynamo"
	"orderflow/internal/notifications/storetest"
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
	open := func(t *testing.T, c clock.Clock) (notifications.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return store{dynamo.Store{Table: table}, ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
