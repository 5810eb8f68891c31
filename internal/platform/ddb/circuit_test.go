package ddb_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestTableKeepsCircuits(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (storesuite.CircuitStore, storesuite.Newer) {
		table := ddbtest.NewTable(t, c)
		return store{table, ddbtest.Stream{Table: table}}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, storesuite.Circuits)
}
