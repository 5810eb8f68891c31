package brokers_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/dev/eventsource"
)

// account is AWS with one stack, secrets, and a function that fails at every third invocation.
type account struct {
	template string
	secrets  map[string]string

	mu      sync.Mutex
	calls   int
	seen    []string // bodies in the order in which they were first processed
	repeats int
	wrong   []string // properties of messages
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch text := string(body); {
	case strings.HasSuffix(r.URL.Path, "/invocations"):
		a.invoke(w, body)
	case strings.Contains(text, "Action=DescribeStacks"):
		fmt.Fprint(w, `<R><DescribeStacksResult><Stacks><member><StackStatus>CREATE_COMPLETE</StackStatus></member>
			</Stacks></DescribeStacksResult></R>`)
	case strings.Contains(text, "Action=GetTemplate"):
		fmt.Fprintf(w, `<R><GetTemplateResult><TemplateBody>%s</TemplateBody></GetTemplateResult></R>`,
			html.EscapeString(a.template))
	default:
		var in struct{ SecretId string }
		_ = json.Unmarshal(body, &in)
		_ = json.NewEncoder(w).Encode(map[string]string{"SecretString": a.secrets[in.SecretId]})
	}
}

func (a *account) invoke(w http.ResponseWriter, body []byte) {
	var kafka events.KafkaEvent
	var rabbit events.RabbitMQEvent
	if json.Unmarshal(body, &kafka) != nil || json.Unmarshal(body, &rabbit) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, records := range kafka.Records {
		for _, r := range records {
			a.process(r.Value)
		}
	}
	for name, messages := range rabbit.MessagesByQueue {
		for _, m := range messages {
			a.process(m.Data)
			p := m.BasicProperties
			if name != brokers.MessagesQueue+"::"+brokers.VirtualHost || p.MessageID == nil || p.DeliveryMode != 2 {
				a.wrong = append(a.wrong, fmt.Sprintf("%s: %+v", name, p))
			}
		}
	}
	if a.calls++; a.calls%3 == 0 { // after its work
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		fmt.Fprint(w, `{"errorType":"errorString"}`)
		return
	}
	fmt.Fprint(w, "null")
}

func (a *account) process(data string) {
	body, _ := base64.StdEncoding.DecodeString(data)
	if slices.Contains(a.seen, string(body)) {
		a.repeats++
	} else {
		a.seen = append(a.seen, string(body))
	}
}

// have waits until n different bodies were processed, and returns them.
func (a *account) have(ctx context.Context, t *testing.T, n int) []string {
	t.Helper()
	for {
		a.mu.Lock()
		seen := slices.Clone(a.seen)
		a.mu.Unlock()
		if len(seen) >= n {
			return seen
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d processed: %v", len(seen), n, seen)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// poll polls for the account's mappings until stop is called, which ends it as a crash would: in
// the middle of whatever it is doing.
func (a *account) poll(t *testing.T, url string) (stop func()) {
	t.Helper()
	sources := eventsource.New(eventsource.Config{Stacks: []string{"orderflow-test"}, RabbitMQ: real.RabbitMQURL(),
		RabbitCA: []byte(real.CA), Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		AWS: aws.Config{Region: "us-east-1", BaseEndpoint: &url,
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); sources.Run(ctx) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return stop
}

// survive sends 60 bodies while the broker is killed and the poller is stopped, and returns them
// and what was processed. A batch that failed must have come again.
func (a *account) survive(
	ctx context.Context, t *testing.T, broker *brokers.Broker, send func(bodies []string),
) (sent, got []string) {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	sent = numbered(60)
	send(sent[:20])
	stop := a.poll(t, server.URL)
	a.have(ctx, t, 10)
	if err := broker.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := broker.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	send(sent[20:40])
	a.have(ctx, t, 25)
	stop()
	send(sent[40:])
	a.poll(t, server.URL)
	got = a.have(ctx, t, len(sent))
	if a.repeats == 0 {
		t.Error("no failed batch came again")
	}
	return sent, got
}

func secret(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// numbered returns the bodies "event 0" to "event n-1".
func numbered(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("event ", i))
	}
	return all
}

func TestKafkaEventSourceLosesNothing(t *testing.T) {
	name, ctx := topic(t, "orderflow.test-source.events"), within(t, 90*time.Second)
	producer := kafka(t, real.Reporting, kgo.DefaultProduceTopic(name))
	send := func(bodies []string) {
		t.Helper()
		for _, b := range bodies {
			if err := producer.ProduceSync(ctx, kgo.StringRecord(b)).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	a := &account{secrets: map[string]string{"login": secret(t, real.Reporting),
		"ca": secret(t, map[string]string{"certificate": real.CA})},
		template: fmt.Sprintf(`
Resources:
  Sales:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: project-sales
      SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: [%q]}}
      SelfManagedKafkaEventSourceConfig: {ConsumerGroupId: orderflow-test-source}
      Topics: [%s]
      StartingPosition: TRIM_HORIZON
      BatchSize: 4
      MaximumBatchingWindowInSeconds: 0
      SourceAccessConfigurations: [{Type: SASL_SCRAM_512_AUTH, URI: login}, {Type: SERVER_ROOT_CA_CERTIFICATE, URI: ca}]
`, real.Kafka.Address(), name)}
	if sent, got := a.survive(ctx, t, real.Kafka, send); !slices.Equal(got, sent) {
		t.Errorf("processed in the order %v", got)
	}
}

func TestRabbitMQEventSourceLosesNothing(t *testing.T) {
	ctx := within(t, 90*time.Second)
	send := func(bodies []string) {
		t.Helper()
		ch := channel(t, real.Warehouse)
		for _, b := range bodies {
			m := amqp.Publishing{DeliveryMode: amqp.Persistent, MessageId: b, Body: []byte(b)}
			confirmation, err := ch.PublishWithDeferredConfirmWithContext(ctx, brokers.Messages, "goods.received", true,
				false, m)
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := confirmation.WaitContext(ctx); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}
	a := &account{secrets: map[string]string{"login": secret(t, real.Orderflow)}, template: fmt.Sprintf(`
Resources:
  Goods:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: receive-goods
      EventSourceArn: arn:aws:mq:us-east-1:000000000000:broker:orderflow:b-1
      Queues: [%s]
      BatchSize: 4
      MaximumBatchingWindowInSeconds: 0
      SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: login}, {Type: VIRTUAL_HOST, URI: %s}]
`, brokers.MessagesQueue, brokers.VirtualHost)}
	sent, got := a.survive(ctx, t, real.RabbitMQ, send)
	slices.Sort(sent)
	slices.Sort(got)
	if !slices.Equal(got, sent) || len(a.wrong) > 0 {
		t.Errorf("processed %v, with wrong properties %v", got, a.wrong)
	}
	for ch := channel(t, real.Orderflow); ; { // all are acknowledged in the end
		q, err := ch.QueueDeclarePassive(brokers.MessagesQueue, true, false, false, false, nil)
		if err != nil {
			t.Fatal(err)
		}
		if q.Messages == 0 {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d messages are left", q.Messages)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
