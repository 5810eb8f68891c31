package dynamo_test

import (
	"testing"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/dynamo"
	"orderflow/internal/gateway/strangler/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (strangler.Placements, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return dynamo.Placements{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
