package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/dynamo/dynamotest"
	"orderflow/internal/shipping/dynamo"
	"orderflow/internal/shipping/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, c clock.Clock) storetest.Store {
		return dynamo.New(dynamotest.NewTable(t, c))
	})
}
