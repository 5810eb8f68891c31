package dynamo_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/dynamo"
	"orderflow/internal/platform/workflow/journaltest"
)

func TestJournal(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (workflow.Journal, storesuite.Newer) {
		table := ddbtest.NewTable(t, c, ddb.OpenIndex)
		return dynamo.Journal{Table: table}, ddbtest.NewNewer(table)
	}
	storesuite.RunCases(t, open, journaltest.Suite)
}
