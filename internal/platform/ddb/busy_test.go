package ddb_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
)

// leaving is a busy table that cancels its caller's context with every response.
type leaving struct {
	end   context.CancelFunc
	calls int
}

func (l *leaving) Do(*http.Request) (*http.Response, error) {
	l.calls++
	l.end()
	body := strings.TrimPrefix(cancelled("TransactionConflict"), "!")
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

func TestCancelledCallerDoesNotWaitForABusyTable(t *testing.T) {
	for range 20 { // the random pause may end first
		ctx, cancel := context.WithCancel(t.Context())
		busy := &leaving{end: cancel}
		table := ddb.Open(aws.Config{Region: "eu-central-1", HTTPClient: busy,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			})}, "tea", clock.At(start))
		err := table.Commit(ctx, commit.With{}, table.Save("p", "pot", pot{}))
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v, want context.Canceled", err)
		}
		if busy.calls == 1 {
			return
		}
	}
	t.Error("every call was retried after the caller was cancelled")
}
