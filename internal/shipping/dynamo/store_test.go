package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	platformtest "orderflow/internal/platform/storetest"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/dynamo"
	"orderflow/internal/shipping/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) storetest.Store {
		return dynamo.New(dynamotest.NewTable(t, c))
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (shipping.Store, platformtest.Newer) {
		table := dynamotest.NewTable(t, c)
		return dynamo.New(table), dynamotest.NewNewer(table)
	})
}
