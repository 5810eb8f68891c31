package eventsource

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"orderflow/internal/platform/cfn"
)

// fake is AWS with one function.
type fake struct {
	function func(values []string, event events.KafkaEvent) (outcome, error)
	stacks   func(name string) (*cfn.Stack, error)
	refuses  int // messages to destinations, at first

	mu      sync.Mutex
	calls   [][]string // values of each invocation's records
	batches []string   // "partition offset…" of each
	sent    []string
}

var (
	errThrottled = errors.New("TooManyRequestsException: slow down")
	errTooLarge  = errors.New("RequestTooLargeException")
)

func (f *fake) invoke(_ context.Context, _ string, event []byte) (outcome, error) {
	var kafka events.KafkaEvent
	var rabbit events.RabbitMQEvent
	if err := errors.Join(json.Unmarshal(event, &kafka), json.Unmarshal(event, &rabbit)); err != nil {
		return outcome{}, err
	}
	if len(event) > limit {
		return outcome{}, errTooLarge
	}
	var values []string
	batch := ""
	for name, records := range kafka.Records {
		batch += name
		for _, r := range records {
			values = append(values, decoded(r.Value))
		}
	}
	for name, messages := range rabbit.MessagesByQueue {
		batch += name
		for _, m := range messages {
			values = append(values, decoded(m.Data))
		}
	}
	f.mu.Lock()
	f.calls = append(f.calls, values)
	f.batches = append(f.batches, batch)
	f.mu.Unlock()
	if f.function == nil {
		return outcome{}, nil
	}
	return f.function(values, kafka)
}

func decoded(text string) string {
	b, _ := base64.StdEncoding.DecodeString(text)
	return string(b)
}

func (f *fake) send(_ context.Context, _ string, message []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuses > 0 {
		f.refuses--
		return errThrottled
	}
	f.sent = append(f.sent, string(message))
	return nil
}

func (f *fake) secret(context.Context, string) (string, error) {
	return `{"username":"u","password":"p"}`, nil
}

func (f *fake) stack(_ context.Context, name string) (*cfn.Stack, error) { return f.stacks(name) }

// invocations returns the values of every invocation so far: "a b, c".
func (f *fake) invocations() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, values := range f.calls {
		all = append(all, strings.Join(values, " "))
	}
	return strings.Join(all, ", ")
}

var unhandled = outcome{failed: "Unhandled", version: "$LATEST", requestID: "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
	answer: []byte(`{"errorType":"errorString","errorMessage":"of alice@example.com"}`)}

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func newDelivery(m Mapping, aws backend) *delivery {
	return &delivery{mapping: m, aws: aws, status: &status{}, log: quiet(), now: time.Now,
		pause: func(int) time.Duration { return 0 }}
}

// await fails the test if a condition does not hold within ten seconds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
