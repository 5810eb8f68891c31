package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/dynamo"
	"orderflow/sandbox/carrier/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (carrier.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
