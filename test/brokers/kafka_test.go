package brokers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/brokers"
)

// kafka returns a client that signs in with an account.
func kafka(t *testing.T, a brokers.Account, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(real.KafkaClient(a), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// within bounds a test's calls to the brokers.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// topic creates a topic of one test.
func topic(t *testing.T, name string) string {
	t.Helper()
	admin := kadm.NewClient(kafka(t, real.Admin))
	if _, err := admin.CreateTopic(within(t, 10*time.Second), 1, 1, nil, name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := admin.DeleteTopic(ctx, name); err != nil {
			t.Error(err)
		}
	})
	return name
}

func TestKafkaKeepsRecordsThroughAKill(t *testing.T) {
	name, ctx := topic(t, "orderflow.test-kill.events"), within(t, time.Minute)
	producer := kafka(t, real.Reporting, kgo.DefaultProduceTopic(name))
	append10 := func(from int) {
		t.Helper()
		for i := range 10 {
			r := kgo.StringRecord(fmt.Sprint("event ", from+i))
			if err := producer.ProduceSync(ctx, r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	append10(0)
	address := real.Kafka.Address()
	if err := real.Kafka.Kill(); err != nil {
		t.Fatal(err)
	}
	down, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := kafka(t, real.Reporting).Ping(down); err == nil {
		t.Error("a killed broker answered")
	}
	if err := real.Kafka.Restart(ctx); err != nil || real.Kafka.Address() != address {
		t.Fatalf("restart at %s, want %s: %v", real.Kafka.Address(), address, err)
	}
	append10(10) // by the same client

	consumer := kafka(t, real.Reporting, kgo.ConsumeTopics(name),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for next := 0; next < 20; {
		fetches := consumer.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", next, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if want := fmt.Sprint("event ", next); string(r.Value) != want || r.Offset != int64(next) {
				t.Errorf("%q at offset %d, want %q", r.Value, r.Offset, want)
			}
			next++
		})
	}
}

func TestKafkaKnowsItsAccountsAndItsAuthority(t *testing.T) {
	ctx := within(t, 20*time.Second)
	wrong := real.Reporting
	wrong.Password += "x"
	if err := kafka(t, wrong).Ping(ctx); !errors.Is(err, kerr.SaslAuthenticationFailed) {
		t.Errorf("a wrong password: %v", err)
	}
	if err := kafka(t, real.Reporting, kgo.DialTLSConfig(foreign(t)),
		kgo.RequestRetries(0)).Ping(ctx); !isForeign(err) {
		t.Errorf("a client that trusts another authority: %v", err)
	}
	clear, err := kgo.NewClient(kgo.SeedBrokers(real.Kafka.Address()), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer clear.Close()
	if err := clear.Ping(ctx); err == nil {
		t.Error("the broker answered in clear text")
	}
	if err := kafka(t, real.Reporting).Ping(ctx); err != nil {
		t.Errorf("the right account: %v", err)
	}
}

func TestReportingMayUseItsTopicsOnly(t *testing.T) {
	name, ctx := topic(t, "other.events"), within(t, 20*time.Second)
	c := kafka(t, real.Reporting, kgo.DefaultProduceTopic(name))
	if err := c.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr(); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("write to another topic: %v", err)
	}
	consumer := kafka(t, real.Reporting, kgo.ConsumeTopics(name))
	if err := consumer.PollFetches(ctx).Err(); !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("read another topic: %v", err)
	}
	_, err := kadm.NewClient(c).CreateTopic(ctx, 1, 1, nil, "orderflow.new.events")
	if !errors.Is(err, kerr.TopicAuthorizationFailed) {
		t.Errorf("create a topic: %v", err)
	}
}

func TestKafkaHasATopicForEachPublishingService(t *testing.T) {
	got, err := kadm.NewClient(kafka(t, real.Reporting)).ListTopics(within(t, 10*time.Second), brokers.Topics...)
	if err != nil {
		t.Fatal(err)
	}
	for _, topic := range got.Sorted() {
		if topic.Err != nil || len(topic.Partitions) != 3 {
			t.Errorf("%s: %d partitions, %v", topic.Topic, len(topic.Partitions), topic.Err)
		}
	}
}
