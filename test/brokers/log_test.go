package brokers_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orderflow/internal/dev/brokers"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/reporting"
	adapter "orderflow/internal/reporting/kafka"
	"orderflow/internal/reporting/logtest"
)

// config is how reporting connects, as an account.
func config(a brokers.Account) adapter.Config {
	secret := func(v any) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) { return json.Marshal(v) }
	}
	return adapter.Config{
		Brokers: []string{real.Kafka.Address()}, Clock: clock.System{}, User: secret(a),
		CA: secret(map[string]string{"certificate": real.CA}),
	}
}

// empty creates topics anew, with three partitions.
func empty(t *testing.T, topics ...string) {
	t.Helper()
	ctx, admin := within(t, time.Minute), kadm.NewClient(kafka(t, real.Admin, kgo.MetadataMinAge(10*time.Millisecond)))
	for _, name := range topics {
		if _, err := admin.DeleteTopic(ctx, name); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
			t.Fatal(err)
		}
		made, err := admin.CreateTopic(ctx, 3, 1, nil, name)
		for errors.Is(err, kerr.TopicAlreadyExists) { // the deletion takes a moment
			time.Sleep(50 * time.Millisecond)
			made, err = admin.CreateTopic(ctx, 3, 1, nil, name)
		}
		// So does the news of the topic, and of its id, which clients keep.
		for known := (kadm.TopicDetail{}); err == nil && (known.ID != made.ID || known.Err != nil); {
			time.Sleep(50 * time.Millisecond)
			var all kadm.TopicDetails
			all, err = admin.ListTopics(ctx, name)
			known = all[name]
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

type log struct {
	*adapter.Log
	*adapter.Producer
	t *testing.T
}

func (log) Close() {}

func (l log) Trim(topic string, partition int32, first int64) {
	l.t.Helper()
	offsets := kadm.Offsets{}
	offsets.AddOffset(topic, partition, first, -1)
	deleted, err := kadm.NewClient(kafka(l.t, real.Admin)).DeleteRecords(within(l.t, 10*time.Second), offsets)
	if err = errors.Join(err, deleted.Error()); err != nil {
		l.t.Fatal(err)
	}
}

func open(t *testing.T, topics ...string) log {
	t.Helper()
	l := log{adapter.NewLog(config(real.Reporting), topics...), adapter.NewProducer(config(real.Reporting)), t}
	t.Cleanup(l.Log.Close)
	t.Cleanup(l.Producer.Close)
	return l
}

func TestLogOfReportingInKafka(t *testing.T) {
	logtest.Run(t, func(t *testing.T, topics ...string) logtest.Log {
		t.Helper()
		empty(t, topics...)
		return open(t, topics...)
	})
}

func TestLogOfReportingGoesOnAfterAKill(t *testing.T) {
	const name = "orderflow.orders.events"
	empty(t, name)
	l, ctx := open(t, name), within(t, 2*time.Minute)
	add := func(ctx context.Context) (failed int, last error) {
		both := []reporting.Message{{Topic: name, Key: []byte("a")}, {Topic: name, Key: []byte("b")}}
		for _, err := range l.Append(ctx, both) {
			if err != nil {
				failed, last = failed+1, err
			}
		}
		return failed, last
	}
	if n, err := add(ctx); n > 0 {
		t.Fatal(err)
	}
	if err := real.Kafka.Kill(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	if n, err := add(short); n != 2 || fault.KindOf(err) != fault.Transient || short.Err() != nil {
		t.Errorf("without a broker, %d failed: %v; %v", n, err, short.Err())
	}
	if err := real.Kafka.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := add(ctx); n > 0 {
		t.Errorf("%d failed after the restart: %v", n, err)
	}
	all, err := l.Partitions(ctx)
	var stored int64
	for _, p := range all {
		stored += p.End - p.First
	}
	if err != nil || stored < 4 {
		t.Errorf("%d are stored, want at least 4: %v", stored, err)
	}
}

func TestWrongPasswordOfReportingStoresNothing(t *testing.T) {
	const name = "orderflow.orders.events"
	empty(t, name)
	wrong := real.Reporting
	wrong.Password += "x"
	p := adapter.NewProducer(config(wrong))
	defer p.Close()
	err := p.Append(within(t, 5*time.Second), []reporting.Message{{Topic: name, Key: []byte("a")}})[0]
	if err == nil || strings.Contains(err.Error(), wrong.Password) {
		t.Errorf("error %v", err)
	}
	all, err := open(t, name).Partitions(within(t, 20*time.Second))
	for _, part := range all {
		if part.End > 0 {
			t.Errorf("stored in %+v", part)
		}
	}
	if err != nil || len(all) != 3 {
		t.Errorf("%v, %v", all, err)
	}
}
