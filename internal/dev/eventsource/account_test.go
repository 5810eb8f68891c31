package eventsource

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"orderflow/internal/ops/awsapi"
)

// accountOf returns an account whose requests answer gets: the operation, or else the path, and the
// body.
func accountOf(t *testing.T, answer func(w http.ResponseWriter, operation, body string)) account {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		operation := r.URL.EscapedPath()
		if target := r.Header.Get("X-Amz-Target"); target != "" {
			operation = target
		} else if _, action, ok := strings.Cut(string(body), "Action="); ok {
			operation, _, _ = strings.Cut(action, "&")
		}
		answer(w, operation, string(body))
	}))
	t.Cleanup(server.Close)
	return account{awsapi.Client{Config: aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}}}
}

func TestAFunctionsFailureIsNotAFailedCall(t *testing.T) {
	a := accountOf(t, func(w http.ResponseWriter, path, body string) {
		switch path {
		case "/2015-03-31/functions/throttled/invocations":
			w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"message":"slow down"}`)
		case "/2015-03-31/functions/arn:aws:lambda:r:a:function:f:live/invocations":
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			w.Header().Set("X-Amz-Executed-Version", "7")
			w.Header().Set("X-Amzn-Requestid", "r")
			fmt.Fprint(w, body)
		default:
			t.Errorf("called %s", path)
		}
	})
	got, err := a.invoke(t.Context(), "arn:aws:lambda:r:a:function:f:live", []byte(`{}`))
	want := outcome{answer: []byte(`{}`), failed: "Unhandled", requestID: "r", version: "7"}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(outcome{})); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := a.invoke(t.Context(), "throttled", nil); !awsapi.Failed(err, "TooManyRequestsException") {
		t.Error(err)
	}
}

func TestDestinationsAreQueuesAndTopics(t *testing.T) {
	var got []string
	a := accountOf(t, func(w http.ResponseWriter, operation, body string) {
		got = append(got, operation+" "+body)
		if operation == "AmazonSQS.GetQueueUrl" {
			fmt.Fprint(w, `{"QueueUrl":"http://queue"}`)
		} else {
			fmt.Fprint(w, `{}`)
		}
	})
	for _, destination := range []string{"arn:aws:sqs:r:a:failures", "arn:aws:sns:r:a:failures"} {
		if err := a.send(t.Context(), destination, []byte("m")); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{`AmazonSQS.GetQueueUrl {"QueueName":"failures"}`,
		`AmazonSQS.SendMessage {"MessageBody":"m","QueueUrl":"http://queue"}`,
		`Publish Action=Publish&Message=m&TopicArn=arn%3Aaws%3Asns%3Ar%3Aa%3Afailures&Version=2010-03-31`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAStackIsReadAsItWasDeployed(t *testing.T) {
	status := "UPDATE_COMPLETE"
	a := accountOf(t, func(w http.ResponseWriter, operation, body string) {
		switch {
		case strings.Contains(body, "StackName=gone"):
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>`)
		case operation == "DescribeStacks":
			fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackStatus>%s</StackStatus>
				<Parameters><member><ParameterKey>Queue</ParameterKey><ParameterValue>given</ParameterValue></member>
				</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, status)
		default:
			fmt.Fprint(w, `<GetTemplateResponse><GetTemplateResult><TemplateBody>
Parameters: {Queue: {Type: String, Default: default}}
Resources:
  Goods:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: f, EventSourceArn: "arn:aws:mq:r:a:broker:b", Queues: [!Ref Queue]}
</TemplateBody></GetTemplateResult></GetTemplateResponse>`)
		}
	})
	stack, err := a.stack(t.Context(), "orderflow-warehouse")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Mappings(stack)
	if err != nil || len(all) != 1 || all[0].Queue != "given" {
		t.Errorf("%+v, %v", all, err)
	}
	for _, name := range []string{"gone", "deleted"} {
		status = "DELETE_COMPLETE"
		if stack, err := a.stack(t.Context(), name); stack != nil || err != nil {
			t.Errorf("%s: %v, %v", name, stack, err)
		}
	}
}

func TestHealthTellsTheSourcesApart(t *testing.T) {
	s := New(Config{Log: quiet()})
	w := httptest.NewRecorder()
	s.Handler("mine").ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", nil))
	var got struct {
		Name    string
		Sources []State
	}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Name != "mine" || got.Sources == nil {
		t.Errorf("%s, %v", w.Body, err)
	}
}
