package dynamo_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

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

func TestTheTableIsCreatedOnce(t *testing.T) {
	given := ddbtest.NewTable(t, clock.System{})
	own := *given
	own.Name += "-journal"
	j := dynamo.Journal{Table: &own}
	for range 2 {
		storesuite.Must(t, j.Create(t.Context()))
	}
	t.Cleanup(func() {
		_, err := own.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &own.Name})
		storesuite.Must(t, err)
	})
	storesuite.Must(t, j.Save(t.Context(), journaltest.Execution("x")))
	found := 0
	storesuite.Must(t, j.Open(t.Context(), storesuite.Start.AddDate(1, 0, 0), func(string, string) { found++ }))
	if found != 1 {
		t.Errorf("found %d open executions, want 1", found)
	}
}
