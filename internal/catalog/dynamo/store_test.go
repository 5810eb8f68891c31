package dynamo_test

import (
	"testing"

	"orderflow/internal/catalog/dynamo"
	"orderflow/internal/catalog/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	platformtest "orderflow/internal/platform/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) storetest.Store {
		return dynamo.New(dynamotest.NewTable(t, c))
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (storetest.Store, platformtest.Newer) {
		table := dynamotest.NewTable(t, c)
		return dynamo.New(table), dynamotest.NewNewer(table)
	})
}
