package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/dynamo"
	"orderflow/internal/shipping/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (shipping.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Open(table), ddbtest.NewNewer(table)
	}
	storesuite.Run(t, open, storetest.Suite)
}
