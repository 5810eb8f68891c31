package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/legacy/dynamo"
	"orderflow/sandbox/legacy/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (legacy.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
