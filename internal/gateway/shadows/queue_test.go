package shadows_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"orderflow/internal/gateway/shadows"
	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/ids"
)

var answer = strangler.Shadowed{Route: strangler.ReadProduct,
	Answer: strangler.Product{ProductID: "1001", ArticleNo: "MUG-BLUE", Title: "Blue mug", Price: "19.99",
		Currency: "EUR"}}

// to returns the queue at an address of SQS.
func to(t *testing.T, endpoint, queue string) shadows.Queue {
	t.Helper()
	variables := map[string]string{"SHADOW_QUEUE": queue, "AWS_ENDPOINT_URL": endpoint,
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
	env := function.NewEnv(func(name string) (string, bool) { v, ok := variables[name]; return v, ok }, clock.System{})
	q := shadows.FromEnv(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	return q
}

func TestAnAnswerIsSentInTheProtocolOfSQS(t *testing.T) {
	var header http.Header
	var in struct{ QueueUrl, MessageBody string } //nolint:revive,stylecheck // as SQS calls it
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ := io.ReadAll(r.Body)
		_ = json.Unmarshal(body, &in)
	}))
	t.Cleanup(server.Close)
	to(t, server.URL, "https://sqs/compare").Enqueue(t.Context(), answer)
	if header.Get("Content-Type") != "application/x-amz-json-1.0" ||
		header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" {
		t.Errorf("sent %v", header)
	}
	const want = `{"route":"read-product","answer":{"product_id":"1001","article_no":"MUG-BLUE",` +
		`"title":"Blue mug","price":"19.99","currency":"EUR"}}`
	if in.QueueUrl != "https://sqs/compare" || in.MessageBody != want {
		t.Errorf("sent %+v\nwant %s", in, want)
	}
}

func TestACustomerDoesNotWaitForTheQueue(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server would not notice that the client left
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	began := time.Now()
	to(t, server.URL, "queue").Enqueue(t.Context(), answer)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestAnAnswerArrives(t *testing.T) {
	client := sqs.NewFromConfig(ddbtest.Config(t))
	name := ids.Random(clock.System{}).New()
	queue, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	// Enqueue gives up early, as on a busy machine, so it may take several attempts.
	sends := to(t, ddbtest.Emulator(t), *queue.QueueUrl)
	var got *sqs.ReceiveMessageOutput
	for until := time.Now().Add(time.Minute); ; {
		sends.Enqueue(t.Context(), answer)
		got, err = client.ReceiveMessage(t.Context(),
			&sqs.ReceiveMessageInput{QueueUrl: queue.QueueUrl, WaitTimeSeconds: 1})
		if err != nil || len(got.Messages) > 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatal("no message arrived within a minute")
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	var s strangler.Shadowed
	if err := json.Unmarshal([]byte(*got.Messages[0].Body), &s); err != nil || s.Route != answer.Route {
		t.Errorf("%s, %v", *got.Messages[0].Body, err)
	}
}
