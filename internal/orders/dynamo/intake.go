package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/orders"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// intake is the item that every order reads with the prices. A missing one takes orders.
type intake struct {
	StoppedAt int64  `dynamodbav:"stoppedAt"` // in milliseconds since 1970, as is Until; 0: not stopped
	Until     int64  `dynamodbav:"until,omitempty"`
	Reason    string `dynamodbav:"reason,omitempty"`
	By        string `dynamodbav:"by,omitempty"`
}

const intakeKey = "intake"

// Intake reads whether orders are taken.
func (s Store) Intake(ctx context.Context) (orders.Intake, error) {
	var item intake
	_, err := s.Find(ctx, intakeKey, intakeKey, &item)
	return item.domain(), err
}

// SaveIntake writes whether orders are taken.
func (s Store) SaveIntake(ctx context.Context, i orders.Intake) error {
	item := intake{Reason: i.Reason, By: i.By}
	if !i.StoppedAt.IsZero() {
		item.StoppedAt = i.StoppedAt.UnixMilli()
	}
	if !i.Until.IsZero() {
		item.Until = i.Until.UnixMilli()
	}
	return s.Commit(ctx, commit.With{}, s.Save(intakeKey, intakeKey, item))
}

func (item intake) domain() orders.Intake {
	i := orders.Intake{Reason: item.Reason, By: item.By}
	if item.StoppedAt > 0 {
		i.StoppedAt = time.UnixMilli(item.StoppedAt).UTC()
	}
	if item.Until > 0 {
		i.Until = time.UnixMilli(item.Until).UTC()
	}
	return i
}

// isIntake reports whether an item that was read is the intake.
func isIntake(item ddb.Values) bool {
	pk, _ := item["pk"].(*types.AttributeValueMemberS)
	return pk != nil && pk.Value == intakeKey
}
