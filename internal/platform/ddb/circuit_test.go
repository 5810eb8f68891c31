package ddb_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestTableKeepsCircuits(t *testing.T) {
	storesuite.RunCircuits(t, func(t *testing.T, c clock.Clock) storesuite.CircuitStore { return ddbtest.NewTable(t, c) })
}

func TestTwoVersionsShareCircuits(t *testing.T) {
	storesuite.RunTwoVersions(t, func(t *testing.T, c clock.Clock) (storesuite.CircuitStore, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return table, ddbtest.NewNewer(table)
	}, storesuite.Circuits)
}
