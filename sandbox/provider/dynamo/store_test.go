package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	platformtest "orderflow/internal/platform/storetest"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/dynamo"
	"orderflow/sandbox/provider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) provider.Store {
		return dynamo.New(dynamotest.NewTable(t, c, dynamo.Index))
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (provider.Store, platformtest.Newer) {
		table := dynamotest.NewTable(t, c, dynamo.Index)
		return dynamo.New(table), dynamotest.NewNewer(table)
	})
}
