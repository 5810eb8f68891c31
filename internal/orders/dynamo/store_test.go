package dynamo_test

import (
	"testing"

	"orderflow/internal/orders"
	"orderflow/internal/orders/dynamo"
	"orderflow/internal/orders/storetest"
	"orderflow/internal/platform/clock"
	platform "orderflow/internal/platform/dynamo"
	"orderflow/internal/platform/dynamo/dynamotest"
	platformtest "orderflow/internal/platform/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) orders.Store {
		return dynamo.New(dynamotest.NewTable(t, c, dynamo.Index, platform.OpenIndex))
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (orders.Store, platformtest.Newer) {
		table := dynamotest.NewTable(t, c, dynamo.Index, platform.OpenIndex)
		return dynamo.New(table), dynamotest.NewNewer(table)
	})
}
