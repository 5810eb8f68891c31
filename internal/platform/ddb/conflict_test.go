package ddb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/outbox"
)

// scripted returns a table that gives the answers in order, the last one repeatedly, and the number
// of calls. An answer that begins with an exclamation mark is an error.
func scripted(t *testing.T, answers ...string) (*ddb.Table, *int) {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer := answers[min(calls, len(answers)-1)]
		calls++
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		body, failed := strings.CutPrefix(answer, "!")
		if failed {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return ddb.Open(aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		})}, "tea", clock.At(start)), &calls
}

func cancelled(codes ...string) string {
	var reasons []string
	for _, c := range codes {
		reasons = append(reasons, fmt.Sprintf(`{"Code":%q}`, c))
	}
	return `!{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",` +
		`"CancellationReasons":[` + strings.Join(reasons, ",") + `]}`
}

func TestConflictingTransactionIsRetried(t *testing.T) {
	table, calls := scripted(t, cancelled("TransactionConflict"), cancelled("ThrottlingError"), `{}`)
	if err := table.Commit(t.Context(), commit.With{}, table.Save("p", "pot", pot{})); err != nil || *calls != 3 {
		t.Errorf("%v after %d calls; want success after 3", err, *calls)
	}
}

// Throttling tells nothing of an item: the whole table may be throttled.
func TestThrottlingIsNoConflict(t *testing.T) {
	for _, code := range []string{"ThrottlingError", "ProvisionedThroughputExceeded"} {
		table, calls := scripted(t, cancelled(code), cancelled(code), cancelled(code), `{}`)
		op := table.Save("p", "pot", pot{})
		op.Busy = errSecond
		err := table.Commit(t.Context(), commit.With{}, op, table.Save("q", "pot", pot{}))
		if err != nil || *calls != 4 {
			t.Errorf("%s: %v after %d calls, want success after 4", code, err, *calls)
		}
	}
}

func TestWhatDynamoDBCanNeverTakeIsNotRetried(t *testing.T) {
	table, calls := scripted(t, cancelled("None", "ValidationError"))
	err := table.Commit(t.Context(), commit.With{}, table.Save("p", "pot", pot{}), table.Save("q", "pot", pot{}))
	var refused *types.TransactionCanceledException
	if !errors.As(err, &refused) || *calls != 1 {
		t.Errorf("%v after %d calls, want DynamoDB's error after 1", err, *calls)
	}
}

func TestLastingConflictIsTransient(t *testing.T) {
	for _, answer := range []string{cancelled("TransactionConflict"), conflict} {
		table, calls := scripted(t, answer)
		err := table.Commit(t.Context(), commit.With{}, table.Save("p", "pot", pot{}))
		if err == nil || fault.KindOf(err) != fault.Transient || *calls != 5 {
			t.Errorf("%v after %d calls; want a transient error after 5", err, *calls)
		}
	}
}

func TestSingleWriteThatConflictsIsRetried(t *testing.T) {
	table, calls := scripted(t, conflict, `{}`)
	err := table.Commit(t.Context(), commit.With{}, table.SaveNew("p", "pot", pot{}, errFirst))
	if err != nil || *calls != 2 {
		t.Errorf("%v after %d calls; want success after 2", err, *calls)
	}
}

func TestCallerWithAnotherWayIsToldOfTheSecondConflict(t *testing.T) {
	errBusy := errors.New("busy")
	table, calls := scripted(t, cancelled("None", "TransactionConflict"))
	op := table.Save("b", "pot", pot{})
	op.Busy = errBusy
	err := table.Commit(t.Context(), commit.With{}, table.Save("a", "pot", pot{}), op)
	if !errors.Is(err, errBusy) || *calls != 2 {
		t.Errorf("%v after %d calls; want errBusy after 2", err, *calls)
	}
	*calls = 0
	err = table.Commit(t.Context(), commit.With{}, op, table.Save("a", "pot", pot{}))
	if fault.KindOf(err) != fault.Transient || *calls != 5 {
		t.Errorf("the other write conflicts: %v after %d calls; want a transient error after 5", err, *calls)
	}
}

// conflict is the answer to a single write of an item in a transaction.
const conflict = `!{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}`

func TestRefusalTakesPrecedenceOverAConflict(t *testing.T) {
	table, calls := scripted(t, cancelled("TransactionConflict", "ConditionalCheckFailed"))
	ops := []ddb.Op{table.Save("a", "pot", pot{}), table.SaveNew("b", "pot", pot{}, errSecond)}
	err := table.Commit(t.Context(), commit.With{}, ops...)
	if err != errSecond || *calls != 1 {
		t.Errorf("%v after %d calls; want the refusal after 1", err, *calls)
	}
}

func TestRefusalTellsOfAllWrites(t *testing.T) {
	const failed = "ConditionalCheckFailed"
	table, _ := scripted(t, cancelled(failed, "None", failed))
	first, second := table.SaveNew("a", "pot", pot{}, errFirst), table.SaveNew("c", "pot", pot{}, errSecond)
	err := table.Commit(t.Context(), commit.With{}, first, table.Save("b", "pot", pot{}), second)
	if !errors.Is(err, errFirst) || !errors.Is(err, errSecond) {
		t.Errorf("%v, want both refusals", err)
	}
	second.Refused = fault.ErrLostRace // what the others say may be outdated
	err = table.Commit(t.Context(), commit.With{}, first, table.Save("b", "pot", pot{}), second)
	if !errors.Is(err, fault.ErrLostRace) || errors.Is(err, errFirst) {
		t.Errorf("%v, want ErrLostRace", err)
	}
}

func TestUnprocessedItemsAreRetried(t *testing.T) {
	table, calls := scripted(t,
		`{"Responses":{"tea":[{"pk":{"S":"a"}}]},`+
			`"UnprocessedKeys":{"tea":{"Keys":[{"pk":{"S":"b"},"sk":{"S":"pot"}}]}}}`,
		`{"Responses":{"tea":[{"pk":{"S":"b"}}]},"UnprocessedKeys":{}}`)
	got, err := table.GetAll(t.Context(), []ddb.Values{ddb.Key("a", "pot"), ddb.Key("b", "pot")})
	if err != nil || len(got) != 2 || *calls != 2 {
		t.Errorf("GetAll = %d items, %v after %d calls; want 2 after 2", len(got), err, *calls)
	}
	table, calls = scripted(t,
		`{"UnprocessedItems":{"tea":[{"DeleteRequest":{"Key":{"pk":{"S":"outbox#1"},"sk":{"S":"1"}}}}]}}`,
		`{"UnprocessedItems":{}}`)
	items := []outbox.Item{{PK: "outbox#1", SK: "1"}, {PK: "outbox#1", SK: "2"}}
	if err := table.DeletePublished(t.Context(), items); err != nil || *calls != 2 {
		t.Errorf("DeletePublished: %v after %d calls; want 2", err, *calls)
	}
}

func TestErrorOfDynamoDBIsPassedOn(t *testing.T) {
	table, _ := scripted(t, `!{"__type":"AccessDeniedException"}`)
	_, err := table.GetAll(t.Context(), []ddb.Values{ddb.Key("a", "pot")})
	errs := map[string]error{
		"GetAll": err, "Commit": table.Commit(t.Context(), commit.With{}, table.Save("p", "pot", pot{})),
		"DeletePublished": table.DeletePublished(t.Context(), []outbox.Item{{PK: "a", SK: "b"}}),
		"Get":             table.Get(t.Context(), "a", "b", &pot{}, errFirst),
	}
	_, _, errs["Page"] = table.Page(t.Context(), "", "pk", "a", false, 1, "")
	_, errs["Waiting"] = table.Waiting(t.Context())
	for name, err := range errs {
		if err == nil || err == errFirst || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("%s: %v, want AccessDenied", name, err)
		}
	}
}
