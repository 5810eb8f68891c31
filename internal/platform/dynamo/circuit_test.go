package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	"orderflow/internal/platform/storetest"
)

func TestTableKeepsCircuits(t *testing.T) {
	storetest.RunCircuits(t, func(t *testing.T, c clock.Clock) storetest.CircuitStore { return dynamotest.NewTable(t, c) })
}

func TestTwoVersionsShareCircuits(t *testing.T) {
	storetest.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (storetest.CircuitStore, storetest.Newer) {
		table := dynamotest.NewTable(t, c)
		return table, dynamotest.NewNewer(table)
	}, storetest.Circuits)
}
