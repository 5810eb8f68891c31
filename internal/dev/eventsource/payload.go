package eventsource

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// limit is the size of the largest event that Lambda accepts.
const limit = 6 << 20

// kafkaEvent is the event of both sources of Kafka.
type kafkaEvent struct {
	EventSource      string                       `json:"eventSource"`
	EventSourceARN   string                       `json:"eventSourceArn,omitempty"`
	BootstrapServers string                       `json:"bootstrapServers"`
	Records          map[string][]json.RawMessage `json:"records"` // by topic and partition: "orders-0"
}

// kafkaRecord is one of its records. A record without key or value has no such field.
type kafkaRecord struct {
	Topic         string                 `json:"topic"`
	Partition     int32                  `json:"partition"`
	Offset        int64                  `json:"offset"`
	Timestamp     int64                  `json:"timestamp"` // in milliseconds
	TimestampType string                 `json:"timestampType"`
	Key           []byte                 `json:"key,omitempty"`
	Value         []byte                 `json:"value,omitempty"`
	Headers       []map[string]javaBytes `json:"headers"`
}

// javaBytes is a list of Java's bytes, which have a sign.
type javaBytes []byte

func (b javaBytes) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, one := range b {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(int8(one)), 10)
	}
	return append(text, ']'), nil
}

func encodeKafka(r *kgo.Record) (json.RawMessage, error) {
	record := kafkaRecord{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Timestamp: r.Timestamp.UnixMilli(), TimestampType: "CREATE_TIME", Key: r.Key, Value: r.Value,
		Headers: []map[string]javaBytes{}}
	if r.Attrs.TimestampType() == 1 {
		record.TimestampType = "LOG_APPEND_TIME"
	}
	for _, h := range r.Headers {
		record.Headers = append(record.Headers, map[string]javaBytes{h.Key: h.Value})
	}
	return json.Marshal(record)
}

// partition names a partition in events.
func partition(r *kgo.Record) string { return r.Topic + "-" + strconv.Itoa(int(r.Partition)) }

// kafkaPayload is the event of records, which are all of one partition.
func (m Mapping) kafkaPayload(bootstrap []string, items []item) ([]byte, error) {
	event := kafkaEvent{EventSource: m.Source, EventSourceARN: m.SourceARN,
		BootstrapServers: strings.Join(bootstrap, ","), Records: map[string][]json.RawMessage{}}
	for _, i := range items {
		name := partition(i.record)
		event.Records[name] = append(event.Records[name], i.encoded)
	}
	return json.Marshal(event)
}

// rabbitEvent is the event of RabbitMQ.
type rabbitEvent struct {
	EventSource    string                       `json:"eventSource"`
	EventSourceARN string                       `json:"eventSourceArn"`
	Messages       map[string][]json.RawMessage `json:"rmqMessagesByQueue"` // by queue and virtual host: "orders::/"
}

type rabbitMessage struct {
	BasicProperties basicProperties `json:"basicProperties"`
	Redelivered     bool            `json:"redelivered"`
	Data            []byte          `json:"data"`
}

// basicProperties are AMQP's; null stands for a property that the message does not have.
type basicProperties struct {
	ContentType     *string        `json:"contentType"`
	ContentEncoding *string        `json:"contentEncoding"`
	Headers         map[string]any `json:"headers"`
	DeliveryMode    *uint8         `json:"deliveryMode"`
	Priority        *uint8         `json:"priority"`
	CorrelationID   *string        `json:"correlationId"`
	ReplyTo         *string        `json:"replyTo"`
	Expiration      *string        `json:"expiration"`
	MessageID       *string        `json:"messageId"`
	Timestamp       *string        `json:"timestamp"`
	Type            *string        `json:"type"`
	UserID          *string        `json:"userId"`
	AppID           *string        `json:"appId"`
	ClusterID       *string        `json:"clusterId"` // AMQP no longer has it
	BodySize        int            `json:"bodySize"`
}

// timestampFormat is the format of AWS's example, which is Java's for English.
const timestampFormat = "Jan 2, 2006, 3:04:05 PM"

func encodeRabbit(d amqp.Delivery) (json.RawMessage, error) {
	p := basicProperties{
		ContentType: orNull(d.ContentType), ContentEncoding: orNull(d.ContentEncoding), Headers: map[string]any{},
		DeliveryMode: orNull(d.DeliveryMode), Priority: orNull(d.Priority), CorrelationID: orNull(d.CorrelationId),
		ReplyTo: orNull(d.ReplyTo), Expiration: orNull(d.Expiration), MessageID: orNull(d.MessageId),
		Type: orNull(d.Type), UserID: orNull(d.UserId), AppID: orNull(d.AppId), BodySize: len(d.Body),
	}
	if !d.Timestamp.IsZero() {
		p.Timestamp = orNull(d.Timestamp.UTC().Format(timestampFormat))
	}
	for name, v := range d.Headers {
		p.Headers[name] = header(v)
	}
	body := d.Body
	if body == nil {
		body = []byte{} // an empty text, not null
	}
	return json.Marshal(rabbitMessage{BasicProperties: p, Redelivered: d.Redelivered, Data: body})
}

// header is a header's value as AWS's example has it: a text is an object with its bytes.
func header(v any) any {
	switch v := v.(type) {
	case string:
		return map[string]any{"bytes": javaBytes(v)}
	case []byte:
		return javaBytes(v)
	case time.Time:
		return v.UTC().Format(timestampFormat)
	case float32:
		return finite(float64(v))
	case float64:
		return finite(v)
	case amqp.Table:
		all := map[string]any{}
		for name, one := range v {
			all[name] = header(one)
		}
		return all
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = header(v[i])
		}
		return all
	}
	return v
}

// finite is a number that JSON can represent.
func finite(f float64) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return f
}

func (m Mapping) rabbitPayload(messages []json.RawMessage) ([]byte, error) {
	return json.Marshal(rabbitEvent{EventSource: m.Source, EventSourceARN: m.SourceARN,
		Messages: map[string][]json.RawMessage{m.Queue + "::" + m.VirtualHost: messages}})
}

// orNull returns nil for a zero value: amqp091 does not tell it from a missing one.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
