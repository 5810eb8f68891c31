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

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (notifications.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
