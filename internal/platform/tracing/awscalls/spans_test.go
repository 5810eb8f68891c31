package awscalls_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/awscalls"
	"orderflow/internal/platform/tracing/tracingtest"
)

// client asks a server that gives these answers, one after the other.
func client(t *testing.T, answers ...func(http.ResponseWriter)) *dynamodb.Client {
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answers[min(n, len(answers)-1)](w)
		n++
	}))
	t.Cleanup(server.Close)
	cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}}
	awscalls.Trace(&cfg)
	return dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
}

func status(code int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

var item = &dynamodb.GetItemInput{
	TableName: aws.String("teas"),
	Key:       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "ada@example.com"}},
}

func TestCallSpanHasTheTableAndNoContent(t *testing.T) {
	ctx, recorded := tracingtest.Record(t)
	ctx, outer := tracing.Start(ctx, "outer", tracing.Server)
	if _, err := client(t, status(500, ""), status(200, "{}")).GetItem(ctx, item); err != nil {
		t.Fatal(err)
	}
	outer.End()
	s := recorded.Named(t, "DynamoDB.GetItem")
	want := map[string]string{
		"rpc.system": "aws-api", "rpc.service": "DynamoDB", "rpc.method": "GetItem",
		"aws.dynamodb.table_names": "teas", "retries": "1",
	}
	got := tracingtest.Tags(s)
	if len(got) != len(want) {
		t.Errorf("tags %v, want %v", got, want)
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s = %q, want %q", name, got[name], v)
		}
	}
	if s.Failed || s.Kind != tracing.Client || s.Parent != recorded.Named(t, "outer").ID {
		t.Errorf("span %+v", s)
	}
}

func TestACallThatFailsHasItsCode(t *testing.T) {
	ctx, recorded := tracingtest.Record(t)
	const answer = `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"ada@example.com"}`
	refused := status(400, answer)
	if _, err := client(t, refused).GetItem(ctx, item); err == nil {
		t.Fatal("no error")
	}
	s := recorded.Named(t, "DynamoDB.GetItem")
	if !s.Failed || tracingtest.Tags(s)["error.type"] != "ResourceNotFoundException" {
		t.Errorf("span %+v", s)
	}
}

func TestCallWithoutATracerSucceeds(t *testing.T) {
	if _, err := client(t, status(200, "{}")).GetItem(t.Context(), item); err != nil {
		t.Error(err)
	}
}

// The permissions that a call needs can be told from its span, where its name does not say them.
func TestATransactionHasItsTablesAndKindsOfWrites(t *testing.T) {
	ctx, recorded := tracingtest.Record(t)
	ctx, outer := tracing.Start(ctx, "outer", tracing.Server)
	teas := aws.String("teas")
	transaction := []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("cups"), Item: item.Key}},
		{Update: &types.Update{TableName: teas, Key: item.Key, UpdateExpression: aws.String("SET #n = :n")}},
		{Put: &types.Put{TableName: teas, Item: item.Key}},
	}
	c := client(t, status(200, "{}"))
	_, err := c.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: transaction})
	if err != nil {
		t.Fatal(err)
	}
	outer.End()
	got := tracingtest.Tags(recorded.Named(t, "DynamoDB.TransactWriteItems"))
	if got["aws.dynamodb.table_names"] != "cups,teas" || got["aws.dynamodb.writes"] != "PutItem,UpdateItem" {
		t.Errorf("tags %v", got)
	}
}

func TestABatchHasItsTablesAndAQueryItsIndex(t *testing.T) {
	ctx, recorded := tracingtest.Record(t)
	ctx, outer := tracing.Start(ctx, "outer", tracing.Server)
	c := client(t, status(200, "{}"))
	if _, err := c.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
		"teas": {{DeleteRequest: &types.DeleteRequest{Key: item.Key}}},
	}}); err != nil {
		t.Fatal(err)
	}
	query := &dynamodb.QueryInput{TableName: aws.String("teas"), IndexName: aws.String("byTaste")}
	if _, err := c.Query(ctx, query); err != nil {
		t.Fatal(err)
	}
	outer.End()
	got := tracingtest.Tags(recorded.Named(t, "DynamoDB.BatchWriteItem"))
	if got["aws.dynamodb.table_names"] != "teas" {
		t.Errorf("tags %v", got)
	}
	got = tracingtest.Tags(recorded.Named(t, "DynamoDB.Query"))
	if got["aws.dynamodb.table_names"] != "teas" || got["aws.dynamodb.index_name"] != "byTaste" {
		t.Errorf("tags %v", got)
	}
}
