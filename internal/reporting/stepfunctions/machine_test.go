package stepfunctions_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"orderflow/internal/reporting"
	"orderflow/internal/reporting/stepfunctions"
)

// engine answers like Step Functions, each request with the next answer.
func engine(t *testing.T, requests *[]map[string]string, answers ...string) stepfunctions.Machine {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var in map[string]string
		if err := json.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		*requests = append(*requests, in)
		answer := answers[0]
		answers = answers[1:]
		if answer != "" {
			w.Header().Set("X-Amzn-Errortype", answer)
			w.WriteHeader(http.StatusBadRequest)
			answer = `{"message":"refused"}`
		} else {
			answer = `{"executionArn":"arn","startDate":1}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	client := sfn.New(sfn.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, Credentials: aws.AnonymousCredentials{}, RetryMaxAttempts: 1,
	})
	return stepfunctions.Machine{Client: client, ARN: "machine"}
}

func TestExecutionIsStartedOnceByItsName(t *testing.T) {
	var requests []map[string]string
	m := engine(t, &requests, "", "ExecutionAlreadyExists", "AccessDeniedException")
	r := reporting.Rebuild{Generation: 4, Run: 2, StartedAt: time.Unix(1_800_000_000, 0)}
	for range 2 {
		if err := m.Run(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	if err := m.Run(t.Context(), r); err == nil {
		t.Error("a refused start succeeds")
	}
	first := requests[0]
	if first["name"] != "generation-4-run-2-of-1800000000" || first["stateMachineArn"] != "machine" ||
		requests[1]["name"] != first["name"] {
		t.Errorf("requests %v", requests)
	}
	var in map[string]any
	if err := json.Unmarshal([]byte(first["input"]), &in); err != nil || in["generation"] != 4.0 ||
		in["traceparent"] == nil {
		t.Errorf("input %s, %v", first["input"], err)
	}
}
