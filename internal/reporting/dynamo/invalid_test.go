package dynamo

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"orderflow/internal/reporting"
)

func cancelled(codes ...string) error {
	e := &types.TransactionCanceledException{}
	for _, code := range codes {
		e.CancellationReasons = append(e.CancellationReasons, types.CancellationReason{Code: aws.String(code)})
	}
	return e
}

// TestOnlyWhatDynamoDBCanNeverTakeIsInvalid has the reasons of
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html.
func TestOnlyWhatDynamoDBCanNeverTakeIsInvalid(t *testing.T) {
	for _, err := range []error{
		cancelled("None", "ValidationError"), cancelled("ConditionalCheckFailed", "ValidationError"),
		&smithy.GenericAPIError{Code: "ValidationException"},
	} {
		if !invalid(err) {
			t.Errorf("%v could succeed later", err)
		}
	}
	for _, err := range []error{
		nil, cancelled("None", "TransactionConflict"), cancelled("ThrottlingError"),
		cancelled("ProvisionedThroughputExceeded"), cancelled("ConditionalCheckFailed"),
		&smithy.GenericAPIError{Code: "AccessDeniedException"}, &smithy.GenericAPIError{Code: "ThrottlingException"},
		errors.New("connection refused"), reporting.ErrOvertaken, reporting.ErrClosed,
	} {
		if invalid(err) {
			t.Errorf("%v is the record's fault", err)
		}
	}
}
