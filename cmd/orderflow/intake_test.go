package main

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestIntakeIsStoppedAndResumedOnRecord(t *testing.T) {
	o := operate(t)
	tables := dynamodb.NewFromConfig(o.cfg)
	name := o.name + "-orders"
	attribute := func(name string) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
	}
	_, err := tables.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{attribute("pk"), attribute("sk")},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out := o.run(t, 0, "intake", "status"); !strings.Contains(out, "orders are taken") {
		t.Errorf("status of a new deployment:\n%s", out)
	}
	if out := o.run(t, exitUsage, "intake", "stop"); !strings.Contains(out, "say why") {
		t.Errorf("stop without a reason:\n%s", out)
	}
	if out := o.run(t, exitUsage, "intake", "stop", "--for", "-5m", "--reason", "r"); !strings.Contains(out, "--for") {
		t.Errorf("stop for less than nothing:\n%s", out)
	}
	o.run(t, 0, "intake", "stop", "--reason", "INC-7", "--for", "30m")
	if out := o.run(t, 0, "intake", "status"); !contains(out, "orders are refused", "INC-7", "until   2") {
		t.Errorf("status:\n%s", out)
	}
	o.run(t, 0, "intake", "stop", "--reason", "INC-8")
	out := o.run(t, 0, "intake", "status", "-o", "json")
	if !contains(out, `"stopped": true`, `"until": null`, "INC-8") {
		t.Errorf("status as JSON:\n%s", out)
	}
	o.run(t, 0, "intake", "resume", "--reason", "they are back")
	if out := o.run(t, 0, "intake", "status"); !strings.Contains(out, "orders are taken") {
		t.Errorf("status after the end:\n%s", out)
	}
	out = o.run(t, 0, "audit", "intake")
	if !contains(out, "intake stop", "INC-7", "INC-8", "intake resume", "they are back", "done") {
		t.Errorf("audit:\n%s", out)
	}
}
