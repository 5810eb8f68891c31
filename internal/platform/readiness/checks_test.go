package readiness_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/function"
	"orderflow/internal/platform/health"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/outbox/snstopic"
	"orderflow/internal/platform/readiness"
	"orderflow/internal/platform/registry"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/secrets"
)

const topic = "arn:aws:sns:eu-central-1:123456789012:tea"

// cloud is AWS: its answers by operation, and the requests it received.
type cloud struct {
	answers  map[string]string
	requests []string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	operation := r.Header.Get("X-Amz-Target")
	if form, err := url.ParseQuery(string(body)); operation == "" && err == nil {
		operation, body = "SNS."+form.Get("Action"), []byte(form.Get("TopicArn"))
	}
	operation = operation[strings.LastIndex(operation, ".")+1:]
	c.requests = append(c.requests, operation+" "+string(body))
	status, answer := http.StatusOK, c.answers[operation]
	if answer == "" {
		status, answer = http.StatusBadRequest, `{"__type":"AccessDeniedException"}`
		if operation == "GetTopicAttributes" {
			answer = `<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code>` +
				`<Message>no</Message></Error></ErrorResponse>`
		}
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func open(t *testing.T, c *cloud) aws.Config {
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	vars := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_ENDPOINT_URL": server.URL}
	return function.NewEnv(func(name string) (string, bool) { v, ok := vars[name]; return v, ok }, clock.System{}).AWS()
}

// outcome runs one check.
func outcome(t *testing.T, c health.Check) string {
	t.Helper()
	r := health.New(clock.System{}, c).Report(t.Context())
	return strings.TrimSpace(r.Checks[0].Name + " " + string(r.Checks[0].Status) + " " + r.Checks[0].Code)
}

func want(t *testing.T, c health.Check, result string) {
	t.Helper()
	if got := outcome(t, c); got != result {
		t.Errorf("%s, want %s", got, result)
	}
}

func teaTopic(cfg aws.Config) health.Check {
	return readiness.Topic(snstopic.Topic{Client: sns.NewFromConfig(cfg), ARN: topic})
}

func TestTopicCheckReadsItsAttributes(t *testing.T) {
	const attributes = `<GetTopicAttributesResponse><GetTopicAttributesResult/></GetTopicAttributesResponse>`
	c := &cloud{answers: map[string]string{"GetTopicAttributes": attributes}}
	want(t, teaTopic(open(t, c)), "topic pass")
	if len(c.requests) != 1 || c.requests[0] != "GetTopicAttributes "+topic {
		t.Errorf("requests: %q", c.requests)
	}
	want(t, teaTopic(open(t, &cloud{})), "topic fail NotFound")
}

func TestAddressIsNeverCached(t *testing.T) {
	c := &cloud{answers: map[string]string{"GetParameter": `{"Parameter":{"Name":"x","Value":"https://bank.example"}}`}}
	check := readiness.Address(registry.Source(open(t, c), "dev", "parameters", clock.System{}), "bank")
	want(t, check, "registry:bank pass")
	want(t, check, "registry:bank pass")
	if len(c.requests) != 2 || !strings.Contains(c.requests[0], `"/orderflow/dev/services/bank"`) {
		t.Errorf("requests: %q", c.requests)
	}
	c.answers = nil
	want(t, check, "registry:bank fail ServiceUnknown")
}

func TestSecretIsDescribedButNotRead(t *testing.T) {
	for answer, result := range map[string]string{
		`{"VersionIdsToStages":{"1":["AWSPREVIOUS"],"2":["AWSCURRENT"]}}`:        "secret:bell pass",
		`{"VersionIdsToStages":{"1":["AWSPENDING"]}}`:                            "secret:bell fail SecretUnavailable",
		`{"VersionIdsToStages":{"2":["AWSCURRENT"]},"DeletedDate":1795424400.0}`: "secret:bell fail SecretUnavailable",
		``: "secret:bell fail AccessDeniedException",
	} {
		c := &cloud{answers: map[string]string{"DescribeSecret": answer}}
		want(t, readiness.Secret("bell", secrets.Open(open(t, c), "arn:of-the-bell", clock.System{}).Present), result)
		var in struct{ SecretId string } //nolint:revive // AWS's name
		_, body, _ := strings.Cut(c.requests[0], " ")
		if err := json.Unmarshal([]byte(body), &in); err != nil || in.SecretId != "arn:of-the-bell" {
			t.Errorf("requests: %q", c.requests)
		}
	}
}

// circuits has the same circuit for every dependency, or an error.
type circuits struct {
	state resilience.State
	err   error
}

func (c circuits) Circuit(context.Context, string) (resilience.Circuit, error) {
	return resilience.Circuit{State: c.state}, c.err
}

func TestCircuitThatIsNotClosedIsAWarning(t *testing.T) {
	for _, c := range []struct {
		circuits circuits
		result   string
	}{
		{circuits{state: resilience.Closed}, "breaker:bank pass"},
		{circuits{state: resilience.Open}, "breaker:bank warn CircuitOpen"},
		{circuits{state: resilience.HalfOpen}, "breaker:bank warn CircuitHalfOpen"},
		{circuits{err: errors.New("gone")}, "breaker:bank warn Unreachable"},
	} {
		want(t, resilience.Health(c.circuits, "bank"), c.result)
	}
	want(t, resilience.Health(memdb.NewLog(clock.System{}), "bank"), "breaker:bank pass")
}

func TestReachableTablePasses(t *testing.T) {
	want(t, readiness.Table(memdb.NewLog(clock.System{})), "table pass")
}
