package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	platformtest "orderflow/internal/platform/storetest"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/dynamo"
	"orderflow/sandbox/carrier/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) carrier.Store {
		return dynamo.New(dynamotest.NewTable(t, c))
	})
}

func TestTwoVersionsShareTheTable(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (carrier.Store, platformtest.Newer) {
		table := dynamotest.NewTable(t, c)
		return dynamo.New(table), dynamotest.NewNewer(table)
	})
}
