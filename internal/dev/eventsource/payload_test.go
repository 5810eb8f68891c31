package eventsource

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The files are AWS's examples: with-kafka and with-mq of the Developer Guide, and the one of
// aws-lambda-go for MSK, which has bytes with a sign. Two values that no event can have are
// corrected: a key whose base64 ends in bits that no encoder writes (1234== is now 123w==), and the
// size of the 43 bytes, which the guide gives as 80.

const clusterBrokers = "b-2.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092," +
	"b-1.demo-cluster-1.a1bcde.c1.kafka.us-east-1.amazonaws.com:9092"

func TestKafkaEventsAreThoseOfAWSExamples(t *testing.T) {
	decode := func(text string) []byte {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for file, test := range map[string]struct {
		mapping Mapping
		record  kgo.Record
	}{
		"kafka.json": {
			Mapping{Source: SelfManagedKafka},
			kgo.Record{Topic: "mytopic", Offset: 15, Timestamp: time.UnixMilli(1545084650987),
				Key: decode("abcDEFghiJKLmnoPQRstuVWXyz123w=="), Value: []byte("Hello, this is a test."),
				Headers: []kgo.RecordHeader{{Key: "headerKey", Value: []byte("headerValue")}}},
		},
		"msk.json": {
			Mapping{Source: MSK, SourceARN: "arn:aws:kafka:us-west-2:012345678901:cluster/ExampleMSKCluster/" +
				"e9f754c6-d29a-4430-a7db-958a19fd2c54-4"},
			kgo.Record{Topic: "AWSKafkaTopic", Timestamp: time.UnixMilli(1595035749700),
				Key:     []byte("8d5596b4-1813-4238-b24b-6dad8e3d1c0c"),
				Value:   []byte("8d5596b4-1813-4238-b24b-6dad8e3d1c0c"),
				Headers: []kgo.RecordHeader{{Key: "headerKey", Value: []byte{118, 0xdc, 0, 127, 0x80}}}},
		},
	} {
		encoded, err := encodeKafka(&test.record)
		if err != nil {
			t.Fatal(err)
		}
		got, err := test.mapping.kafkaPayload(strings.Split(clusterBrokers, ","), []item{{&test.record, encoded}})
		if err != nil {
			t.Fatal(err)
		}
		sameJSON(t, file, got)
		sameEvent[events.KafkaEvent](t, file, got)
	}
}

func TestRabbitMQEventsAreThatOfAWSExample(t *testing.T) {
	m := Mapping{Source: RabbitMQ, Queue: "pizzaQueue", VirtualHost: "/",
		SourceARN: "arn:aws:mq:us-west-2:111122223333:broker:pizzaBroker:b-9bcfa592-423a-4942-879d-eb284b418fc8"}
	encoded, err := encodeRabbit(amqp.Delivery{
		Headers:     amqp.Table{"header1": "value1", "header2": "value2", "numberInHeader": int32(10)},
		ContentType: "text/plain", DeliveryMode: 1, Priority: 34, Expiration: "60000",
		Timestamp: time.Unix(2021, 0), UserId: "AIDACKCEVSQ6C2EXAMPLE",
		Body: []byte(`{"timeout":0,"data":"CZrmf0Gw8Ov4bqLQxD4E"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.rabbitPayload([]json.RawMessage{encoded})
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, "rabbitmq.json", got)
	sameEvent[events.RabbitMQEvent](t, "rabbitmq.json", got)
}

// TestPropertiesReachTheFunction has every property that AWS's example leaves out.
func TestPropertiesReachTheFunction(t *testing.T) {
	encoded, err := encodeRabbit(amqp.Delivery{
		ContentEncoding: "gzip", CorrelationId: "c", ReplyTo: "r", MessageId: "m", Type: "goods.received", AppId: "a",
		Redelivered: true, DeliveryMode: 2,
		Headers: amqp.Table{"list": []any{"a", true}, "table": amqp.Table{"n": nil}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got events.RabbitMQMessage
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	p := got.BasicProperties
	for name, pair := range map[string][2]string{
		"contentEncoding": {*p.ContentEncoding, "gzip"}, "correlationId": {*p.CorrelationID, "c"},
		"replyTo": {*p.ReplyTo, "r"}, "messageId": {*p.MessageID, "m"}, "type": {*p.Type, "goods.received"},
		"appId": {*p.AppID, "a"}, "timestamp": {p.Timestamp, ""}, "data": {got.Data, ""},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s is %q, not %q", name, pair[0], pair[1])
		}
	}
	if !got.Redelivered || p.DeliveryMode != 2 || p.BodySize != 0 {
		t.Errorf("got %+v", got)
	}
	want := map[string]any{"list": []any{map[string]any{"bytes": []any{97.0}}, true}, "table": map[string]any{"n": nil}}
	if diff := cmp.Diff(want, p.Headers); diff != "" {
		t.Error(diff)
	}
}

func TestARecordWithoutKeyOrValueHasNoSuchField(t *testing.T) {
	encoded, err := encodeKafka(&kgo.Record{Topic: "t", Timestamp: time.UnixMilli(1)})
	want := `{"topic":"t","partition":0,"offset":0,"timestamp":1,"timestampType":"CREATE_TIME","headers":[]}`
	if err != nil || string(encoded) != want {
		t.Errorf("%s, %v", encoded, err)
	}
}

// sameJSON compares every field with an example's, also those that aws-lambda-go does not know.
func sameJSON(t *testing.T, file string, got []byte) {
	t.Helper()
	var a, b any
	decodeBoth(t, file, got, &a, &b)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("%s: (-AWS +ours)\n%s", file, diff)
	}
}

// sameEvent compares what a function gets.
func sameEvent[T any](t *testing.T, file string, got []byte) {
	t.Helper()
	var a, b T
	decodeBoth(t, file, got, &a, &b)
	if diff := cmp.Diff(a, b, cmp.Comparer(func(x, y events.MilliSecondsEpochTime) bool {
		return x.Equal(y.Time)
	})); diff != "" {
		t.Errorf("%s: (-AWS +ours)\n%s", file, diff)
	}
}

func decodeBoth(t *testing.T, file string, got []byte, a, b any) {
	t.Helper()
	want, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, b); err != nil {
		t.Fatal(err)
	}
}
