package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/ddb"
)

// Create creates the journal's table unless it exists. It is not in template.yaml, because only
// the process that executes state machines itself has it.
func (j Journal) Create(ctx context.Context) error {
	about := &dynamodb.DescribeTableInput{TableName: &j.Name}
	var missing *types.ResourceNotFoundException
	_, err := j.Client.DescribeTable(ctx, about)
	if err == nil || !errors.As(err, &missing) {
		return err
	}
	const openPK, openSK = ddb.OpenIndex + "Pk", ddb.OpenIndex + "Sk"
	in := &dynamodb.CreateTableInput{
		TableName: &j.Name, BillingMode: types.BillingModePayPerRequest, KeySchema: schema("pk", "sk"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String(ddb.OpenIndex), KeySchema: schema(openPK, openSK),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
	for _, name := range []string{"pk", "sk", openPK, openSK} {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: types.ScalarAttributeTypeS})
	}
	var made *types.ResourceInUseException // by another process, in this moment
	if _, err := j.Client.CreateTable(ctx, in); err != nil && !errors.As(err, &made) {
		return err
	}
	if err := dynamodb.NewTableExistsWaiter(j.Client).Wait(ctx, about, 2*time.Minute); err != nil {
		return err
	}
	_, err = j.Client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &j.Name, TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String("expiresAt"), Enabled: aws.Bool(true),
		},
	})
	return err
}

func schema(pk, sk string) []types.KeySchemaElement {
	return []types.KeySchemaElement{
		{AttributeName: &pk, KeyType: types.KeyTypeHash}, {AttributeName: &sk, KeyType: types.KeyTypeRange},
	}
}
