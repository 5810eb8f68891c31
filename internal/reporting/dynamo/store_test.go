package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/dynamo"
	"orderflow/internal/reporting/storetest"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (reporting.Store, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Store{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
	storesuite.RunCases(t, open, storetest.Kinds)
}
