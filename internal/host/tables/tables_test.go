package tables_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"orderflow"
	"orderflow/internal/host/tables"
	"orderflow/internal/platform/cfn"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/platform/workflow/dynamo"
	"orderflow/internal/platform/workflow/journaltest"
)

func declared(t *testing.T, text []byte) []tables.Table {
	t.Helper()
	template, err := cfn.Parse(text)
	storesuite.Must(t, err)
	stack, err := cfn.New(template, "tables-test", nil)
	storesuite.Must(t, err)
	all, err := tables.Declared(stack, "tables-test")
	storesuite.Must(t, err)
	return all
}

func TestTablesAreCreatedOnceAsDeclared(t *testing.T) {
	client := dynamodb.NewFromConfig(ddbtest.Config(t))
	all := slices.Concat(declared(t, orderflow.Template), declared(t, orderflow.Sandbox))
	streams := 0
	for _, table := range all {
		name := table.Create.TableName
		if _, err := tables.Open(t.Context(), client, *name); !errors.Is(err, tables.ErrMissing) {
			t.Errorf("%s: %v before it is created", *name, err)
		}
		for range 2 {
			storesuite.Must(t, tables.Create(t.Context(), client, table))
		}
		t.Cleanup(func() {
			_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: name})
			storesuite.Must(t, err)
		})
		about, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: name})
		storesuite.Must(t, err)
		if len(about.Table.GlobalSecondaryIndexes) != len(table.Create.GlobalSecondaryIndexes) {
			t.Errorf("%s has %d indexes", *name, len(about.Table.GlobalSecondaryIndexes))
		}
		stream, err := tables.Open(t.Context(), client, *name)
		storesuite.Must(t, err)
		if stream != "" {
			streams++
		}
		ttl, err := client.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: name})
		storesuite.Must(t, err)
		if got := aws.ToString(ttl.TimeToLiveDescription.AttributeName); got != table.TimeToLive {
			t.Errorf("%s: time to live %q, want %q", *name, got, table.TimeToLive)
		}
	}
	if len(all) != 9 || streams != 7 {
		t.Errorf("%d tables, %d of them with streams", len(all), streams)
	}
}

func TestTheOwnTableHoldsTheJournal(t *testing.T) {
	own := *ddb.Open(ddbtest.Config(t), "tables-test-own", clock.System{})
	storesuite.Must(t, tables.Create(t.Context(), own.Client, tables.Own(own.Name)))
	t.Cleanup(func() {
		_, err := own.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &own.Name})
		storesuite.Must(t, err)
	})
	j := dynamo.Journal{Table: &own}
	storesuite.Must(t, j.Save(t.Context(), journaltest.Execution("x")))
	found := 0
	storesuite.Must(t, j.Open(t.Context(), storesuite.Start.Add(time.Hour), func(string, string) { found++ }))
	if found != 1 {
		t.Errorf("found %d open executions by the index %s, want 1", found, ddb.OpenIndex)
	}
}
