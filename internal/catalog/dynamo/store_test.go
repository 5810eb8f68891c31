package dynamo_test

import (
	"testing"

	"orderflow/internal/catalog/dynamo"
	"orderflow/internal/catalog/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) storetest.Store {
		return dynamo.New(dynamotest.NewTable(t, c))
	})
}
