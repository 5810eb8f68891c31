// Package ddbtest creates tables for tests in a DynamoDB emulator.
package ddbtest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ids"
)

// Endpoint is the environment variable with the emulator's address. `make test` sets it.
const Endpoint = "ORDERFLOW_TEST_ENDPOINT"

// Emulator returns the emulator's address, and fails the test if there is none.
func Emulator(t testing.TB) string {
	t.Helper()
	address := os.Getenv(Endpoint)
	if address == "" {
		t.Fatalf("%s is not set: run `make test`, or `go run ./cmd/dev exec -- go test ./...`, "+
			"which starts an emulator", Endpoint)
	}
	return address
}

// Config is the configuration of clients of the emulator. The test fails if there is none.
func Config(t testing.TB) aws.Config {
	t.Helper()
	return config(Emulator(t))
}

// NewTable creates an empty table as in template.yaml (keys pk and sk, and a stream), with an index
// for each name, whose keys are <name>Pk and <name>Sk. It is deleted when the test ends.
func NewTable(t testing.TB, c clock.Clock, indexes ...string) *ddb.Table {
	t.Helper()
	Emulator(t)
	name := strings.NewReplacer("/", "-", "#", "-").Replace(t.Name()) + "-" + ids.Random(clock.System{}).New()
	table := Existing(name, c)
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: attributes("pk", "sk"), KeySchema: schema("pk", "sk"),
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage,
		},
	}
	for _, index := range indexes {
		pk, sk := index+"Pk", index+"Sk"
		in.AttributeDefinitions = append(in.AttributeDefinitions, attributes(pk, sk)...)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(index), KeySchema: schema(pk, sk),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		})
	}
	// The name is unique. If the table already exists here, or is already gone below, the first
	// response was lost and the client has retried.
	var made *types.ResourceInUseException
	if _, err := table.Client.CreateTable(t.Context(), in); err != nil && !errors.As(err, &made) {
		t.Fatalf("create table: %v", err)
	}
	t.Cleanup(func() {
		var gone *types.ResourceNotFoundException
		_, err := table.Client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
		if err != nil && !errors.As(err, &gone) {
			t.Errorf("delete table: %v", err)
		}
	})
	return table
}

// Existing returns a table that another process has created.
func Existing(name string, c clock.Clock) *ddb.Table {
	return ddb.Open(config(os.Getenv(Endpoint)), name, c)
}

func config(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

func attributes(names ...string) []types.AttributeDefinition {
	var defs []types.AttributeDefinition
	for _, n := range names {
		def := types.AttributeDefinition{AttributeName: aws.String(n), AttributeType: types.ScalarAttributeTypeS}
		defs = append(defs, def)
	}
	return defs
}

func schema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}
