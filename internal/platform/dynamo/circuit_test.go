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
