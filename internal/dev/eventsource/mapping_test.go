package eventsource

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/cfn"
)

var parameters = map[string]string{"KafkaBrokers": "127.0.0.1:9092,127.0.0.1:9093", "KafkaSecret": "arn:kafka-secret",
	"KafkaCaSecret": "arn:ca", "RabbitMqSecret": "arn:rabbit-secret",
	"RabbitMqBroker": "arn:aws:mq:us-east-1:000000000000:broker:orderflow:b-1"}

func TestMappingsAreReadFromTheTemplate(t *testing.T) {
	sales := Mapping{ID: "orderflow-reporting/ProjectSalesOrders", Function: "orderflow-project-sales",
		Source: SelfManagedKafka, Bootstrap: []string{"127.0.0.1:9092", "127.0.0.1:9093"},
		Topic: "orderflow.orders.events", Group: "orderflow-project-sales-orders", Start: "TRIM_HORIZON",
		VirtualHost: "/", Batch: 500, Window: time.Second, Retries: 5, MaxAge: time.Hour, Bisect: true, Partial: true,
		Failed: cfn.ARN("sqs", "orderflow-project-sales-failures"),
		Login:  "arn:kafka-secret", CA: "arn:ca",
		Filters: []map[string]any{{"value": map[string]any{
			"status": []any{"CONFIRMED", map[string]any{"prefix": "CANCEL"}}}}}}
	goods := Mapping{ID: "orderflow-reporting/ReceiveGoodsMessages", Function: "orderflow-receive-goods",
		Source: RabbitMQ, SourceARN: parameters["RabbitMqBroker"], Group: "orderflow-reporting-ReceiveGoodsMessages",
		Queue: "orderflow.warehouse-messages", VirtualHost: "orderflow", Batch: 50, Window: 500 * time.Millisecond,
		Retries: -1, Login: "arn:rabbit-secret"}
	if diff := cmp.Diff([]Mapping{sales, goods}, mappings(t, nil)); diff != "" {
		t.Error(diff)
	}

	cluster := "arn:aws:kafka:us-east-1:000000000000:cluster/orderflow/1"
	sales.Source, sales.SourceARN, sales.Bootstrap, sales.CA = MSK, cluster, nil, ""
	sales.Group = "orderflow-reporting-ProjectSalesOrders"
	msk := mappings(t, map[string]string{"KafkaCluster": cluster, "KafkaCaSecret": ""})
	if diff := cmp.Diff(sales, msk[0]); diff != "" {
		t.Error(diff)
	}
}

func mappings(t *testing.T, changes map[string]string) []Mapping {
	t.Helper()
	given := maps.Clone(parameters)
	maps.Copy(given, changes)
	stack, err := cfn.Load("testdata/template.yaml", "orderflow-reporting", given)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Mappings(stack)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestAMappingThatLambdaWouldTreatOtherwiseIsRefused(t *testing.T) {
	kafka := func() map[string]any {
		return map[string]any{"FunctionName": "f", "Topics": []any{"t"}, "StartingPosition": "LATEST",
			"SelfManagedEventSource": map[string]any{
				"Endpoints": map[string]any{"KafkaBootstrapServers": []any{"b:1"}}}}
	}
	if _, err := read(SelfManagedKafka, kafka()); err != nil {
		t.Fatal(err)
	}
	filter := func(pattern string) map[string]any {
		return map[string]any{"Filters": []any{map[string]any{"Pattern": pattern}}}
	}
	for _, test := range []struct {
		property string
		value    any
		want     string
	}{
		{"TumblingWindowInSeconds", 3, "not supported locally"},
		{"BisectBatchOnFunctionError", true, "needs a ProvisionedPollerConfig"},
		{"Topics", []any{"a", "b"}, "exactly one"},
		{"StartingPosition", "FIRST", "unknown StartingPosition"},
		{"BatchSize", 10_001, "not from 1 to 10000"},
		{"MaximumBatchingWindowInSeconds", "soon", "not from 0 to 300"},
		{"DestinationConfig", map[string]any{"OnFailure": map[string]any{"Destination": "arn:aws:s3:::b"}},
			"neither queue"},
		{"FilterCriteria", filter(`{"key":["a"]}`), "only on value"},
		{"FilterCriteria", filter(`{"value":{"a":[{"cidr":"10.0.0.0/8"}]}}`), "not supported locally"},
		{"FilterCriteria", filter(`{"value":`), "unexpected end"},
		{"SourceAccessConfigurations", []any{map[string]any{"Type": "CLIENT_CERTIFICATE_TLS_AUTH"}},
			"not supported locally"},
	} {
		p := kafka()
		p[test.property] = test.value
		if _, err := read(SelfManagedKafka, p); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %v: %v", test.property, test.value, err)
		}
	}
	p := map[string]any{"FunctionName": "f", "Queues": []any{"q"}, "DestinationConfig": map[string]any{}}
	if _, err := read(RabbitMQ, p); err == nil {
		t.Error("a mapping of RabbitMQ has a destination")
	}
}

func TestADestinationEndsEndlessRetries(t *testing.T) {
	p := map[string]any{"Topics": []any{"t"}, "StartingPosition": "LATEST",
		"DestinationConfig":      map[string]any{"OnFailure": map[string]any{"Destination": "arn:aws:sqs:r:a:q"}},
		"SelfManagedEventSource": map[string]any{"Endpoints": map[string]any{"KafkaBootstrapServers": "a:1, b:2"}}}
	m, err := read(SelfManagedKafka, p)
	if err != nil || m.Retries != 10 || len(m.Bootstrap) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestEveryMappingOfTheProductIsPolled evaluates the templates of this repository: a mapping that
// this package refuses would not be polled on a laptop.
func TestEveryMappingOfTheProductIsPolled(t *testing.T) {
	files, err := filepath.Glob("../../../stacks/*/template.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no stacks", err)
	}
	found := 0
	for _, file := range append(files, "../../../sandbox/template.yaml") {
		template, err := cfn.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		given := map[string]string{}
		for name, value := range map[string]string{"KafkaBrokers": "127.0.0.1:9092", "KafkaSecret": "arn:kafka",
			"RabbitMqBroker": parameters["RabbitMqBroker"], "RabbitMqUrl": "amqps://127.0.0.1:5671/orderflow",
			"RabbitMqSecret": "arn:rabbit", "Stage": "local", "EmulatorEndpoint": "http://127.0.0.1:4566"} {
			if cfn.Dig(template, "Parameters", name) != nil {
				given[name] = value
			}
		}
		stack, err := cfn.New(template, "orderflow", given)
		if err != nil {
			t.Fatal(err)
		}
		all, err := Mappings(stack)
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, m := range all {
			found++
			if m.Login == "" || m.name() == "" || m.Function == "" || strings.ContainsAny(m.Function, "${}") {
				t.Errorf("%s: %+v", file, m)
			}
		}
	}
	if found < 2 {
		t.Errorf("only %d mappings", found)
	}
}
