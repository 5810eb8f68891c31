package ddb_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/internal/platform/ids"
)

// cracked cannot be encoded as an attribute.
type cracked struct{}

func (cracked) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) { return nil, errFirst }

func TestUnencodableShapeIsNotWritten(t *testing.T) {
	table, calls := scripted(t, `{}`)
	shape := struct {
		Pot cracked `dynamodbav:"pot"`
	}{}
	for name, op := range map[string]ddb.Op{
		"Save": table.Save("pk", "sk", shape), "SaveNew": table.SaveNew("pk", "sk", shape, errSecond),
	} {
		if err := table.Commit(t.Context(), commit.With{}, op); !errors.Is(err, errFirst) || *calls > 0 {
			t.Errorf("%s = %v after %d calls", name, err, *calls)
		}
	}
}

// A result without a JSON form cannot be replayed, so its change must not be written either.
func TestUnencodableResultIsNotWritten(t *testing.T) {
	table, calls := scripted(t, `{}`)
	step := func(ctx context.Context, once barrier.Once) (int, error) {
		return 0, table.Commit(ctx, commit.With{Barrier: once.Returning(func() {})})
	}
	_, barred := barrier.Do(t.Context(), table, "saga", "step", step)
	run := func(ctx context.Context, once idempotency.Once) (int, error) {
		return 0, table.Commit(ctx, commit.With{Reply: once.Returning(func() {})})
	}
	_, _, replied := idempotency.Do(t.Context(), table, idempotency.Request{Key: "k"}, run)
	for name, err := range map[string]error{"barrier": barred, "reply": replied} {
		if err == nil || fault.From(err).Code != "UnencodableResult" {
			t.Errorf("%s: %v, want UnencodableResult", name, err)
		}
	}
	publisher := envelope.Publisher{Clock: clock.System{}, IDs: &ids.Sequence{}}
	unencodable := publisher.New(t.Context(), "type", "subject", 1, func() {})
	err := table.Commit(t.Context(), commit.With{Events: []envelope.Event{unencodable}})
	if err == nil || fault.From(err).Code != "UnencodableEvent" {
		t.Errorf("event: %v, want UnencodableEvent", err)
	}
	if *calls != 3 { // two for the barrier, the second after the failure, and one for the reply
		t.Errorf("%d calls, want three reads and no write", *calls)
	}
}
