package handler

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/payments/contract"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/schema"
)

func TestRelaySampleHoldsAnEventOfTheContract(t *testing.T) {
	var in events.DynamoDBEvent
	if err := json.Unmarshal(sample(t, "relay-payments-events"), &in); err != nil || len(in.Records) == 0 {
		t.Fatalf("%d records, %v", len(in.Records), err)
	}
	schemas, err := schema.Load(contract.Schemas)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range in.Records {
		e, err := envelope.Parse([]byte(r.Change.NewImage["event"].String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schemas.Validate(e); err != nil {
			t.Error(err)
		}
	}
}
