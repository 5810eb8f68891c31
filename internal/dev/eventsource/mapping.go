package eventsource

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/cfn"
)

// The event sources, as events name them.
const (
	SelfManagedKafka = "SelfManagedKafka"
	MSK              = "aws:kafka"
	RabbitMQ         = "aws:rmq"
)

// Mapping is an AWS::Lambda::EventSourceMapping of Kafka or RabbitMQ.
type Mapping struct {
	ID        string // stack and logical id
	Function  string // name or ARN, perhaps with an alias
	Source    string // SelfManagedKafka, MSK or RabbitMQ
	SourceARN string // none of self-managed Kafka

	Bootstrap []string // brokers of self-managed Kafka
	Topic     string
	Group     string
	Start     string    // TRIM_HORIZON, LATEST or AT_TIMESTAMP
	StartAt   time.Time // of AT_TIMESTAMP

	Queue       string
	VirtualHost string

	Batch   int           // most records
	Window  time.Duration // longest wait for more
	Retries int           // after the first attempt; -1: without end
	MaxAge  time.Duration // of a record; 0: none
	Bisect  bool
	Partial bool // the function reports the records that failed
	Failed  string
	Filters []map[string]any // a record that matches none is dropped; without filters, every record passes

	Login string // secret with username and password
	CA    string // secret with the broker's certificate authority
}

// name is the mapping's topic or queue.
func (m Mapping) name() string { return m.Topic + m.Queue }

// properties are the properties that this package acts on; provisioned are those that Kafka has
// only with a ProvisionedPollerConfig.
var (
	properties = []string{"FunctionName", "EventSourceArn", "SelfManagedEventSource", "Topics", "Queues",
		"StartingPosition", "StartingPositionTimestamp", "BatchSize", "MaximumBatchingWindowInSeconds", "Enabled",
		"SelfManagedKafkaEventSourceConfig", "AmazonManagedKafkaEventSourceConfig", "SourceAccessConfigurations",
		"BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "FunctionResponseTypes",
		"DestinationConfig", "FilterCriteria", "ProvisionedPollerConfig"}
	provisioned = []string{"BisectBatchOnFunctionError", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds",
		"FunctionResponseTypes"}
	// without effect here: they scale, encrypt, measure and name
	ignored = []string{"Tags", "KmsKeyArn", "MetricsConfig", "LoggingConfig"}
)

// Mappings returns the enabled mappings of Kafka and RabbitMQ in an evaluated template. If some
// cannot be polled, it returns the others and an error.
func Mappings(stack *cfn.Stack) ([]Mapping, error) {
	var all []Mapping
	var bad error
	for _, id := range stack.OfType("AWS::Lambda::EventSourceMapping") {
		p := stack.Properties(id)
		source := sourceOf(p)
		if source == "" || p["Enabled"] == false || p["Enabled"] == "false" {
			continue
		}
		m, err := read(source, p)
		if err != nil {
			bad = errors.Join(bad, fmt.Errorf("%s: %w", id, err))
			continue
		}
		m.ID = stack.Name + "/" + id
		if m.Group == "" { // Lambda uses the mapping's UUID
			m.Group = stack.Name + "-" + id
		}
		all = append(all, m)
	}
	return all, bad
}

// sourceOf returns the source of a mapping; "" if emulators poll it themselves.
func sourceOf(p map[string]any) string {
	arn, _ := p["EventSourceArn"].(string)
	switch {
	case p["SelfManagedEventSource"] != nil:
		return SelfManagedKafka
	case strings.Contains(arn, ":kafka:"):
		return MSK
	case strings.Contains(arn, ":mq:"):
		return RabbitMQ
	}
	return ""
}

func read(source string, p map[string]any) (m Mapping, err error) {
	for _, name := range slices.Sorted(maps.Keys(p)) {
		if !slices.Contains(properties, name) && !slices.Contains(ignored, name) {
			err = errors.Join(err, fmt.Errorf("the property %s is not supported locally", name))
		}
		if source != RabbitMQ && slices.Contains(provisioned, name) && p["ProvisionedPollerConfig"] == nil {
			err = errors.Join(err, fmt.Errorf("%s needs a ProvisionedPollerConfig, as on AWS", name))
		}
		if source == RabbitMQ && slices.Contains(append(provisioned, "DestinationConfig", "StartingPosition"), name) {
			err = errors.Join(err, fmt.Errorf("%s: Amazon MQ's mappings have none", name))
		}
	}
	m = Mapping{Source: source, Retries: -1, Batch: 100, Window: 500 * time.Millisecond, VirtualHost: "/"}
	m.Function, _ = p["FunctionName"].(string)
	m.SourceARN, _ = p["EventSourceArn"].(string)
	if source == RabbitMQ {
		m.Queue = single(p["Queues"], &err)
	} else {
		m.readKafka(p, &err)
	}
	m.Batch = int(number(p, "BatchSize", 1, 10_000, int64(m.Batch), &err))
	if p["MaximumBatchingWindowInSeconds"] != nil {
		m.Window = time.Duration(number(p, "MaximumBatchingWindowInSeconds", 0, 300, 0, &err)) * time.Second
	}
	accesses, _ := p["SourceAccessConfigurations"].([]any)
	for _, a := range accesses {
		uri := fmt.Sprint(cfn.Dig(a, "URI"))
		switch kind := cfn.Dig(a, "Type"); kind {
		case "SASL_SCRAM_512_AUTH", "BASIC_AUTH":
			m.Login = uri
		case "SERVER_ROOT_CA_CERTIFICATE":
			m.CA = uri
		case "VIRTUAL_HOST":
			m.VirtualHost = uri
		case "VPC_SUBNET", "VPC_SECURITY_GROUP": // there is no network to choose
		default:
			err = errors.Join(err, fmt.Errorf("the access %v is not supported locally", kind))
		}
	}
	m.readFilters(p, &err)
	return m, err
}

func (m *Mapping) readKafka(p map[string]any, err *error) {
	brokers, _ := cfn.Dig(p, "SelfManagedEventSource", "Endpoints", "KafkaBootstrapServers").([]any)
	if text, ok := cfn.Dig(p, "SelfManagedEventSource", "Endpoints", "KafkaBootstrapServers").(string); ok {
		for part := range strings.SplitSeq(text, ",") { // a parameter that is a list
			brokers = append(brokers, strings.TrimSpace(part))
		}
	}
	for _, b := range brokers {
		m.Bootstrap = append(m.Bootstrap, strings.Split(fmt.Sprint(b), ",")...)
	}
	if m.Source == SelfManagedKafka && len(m.Bootstrap) == 0 {
		*err = errors.Join(*err, errors.New("KafkaBootstrapServers is missing"))
	}
	m.Topic = single(p["Topics"], err)
	for _, kind := range []string{"SelfManagedKafkaEventSourceConfig", "AmazonManagedKafkaEventSourceConfig"} {
		if id, ok := cfn.Dig(p, kind, "ConsumerGroupId").(string); ok {
			m.Group = id
		}
	}
	m.Start, _ = p["StartingPosition"].(string)
	switch m.Start {
	case "TRIM_HORIZON", "LATEST":
	case "AT_TIMESTAMP":
		m.StartAt = time.Unix(number(p, "StartingPositionTimestamp", 0, 1<<40, 0, err), 0)
	default:
		*err = errors.Join(*err, fmt.Errorf("unknown StartingPosition %q", m.Start))
	}
	m.Retries = int(number(p, "MaximumRetryAttempts", -1, 10_000, -1, err))
	if age := number(p, "MaximumRecordAgeInSeconds", -1, 604_800, -1, err); age > 0 {
		if age < 60 {
			*err = errors.Join(*err, errors.New("MaximumRecordAgeInSeconds is below 60"))
		}
		m.MaxAge = time.Duration(age) * time.Second
	}
	m.Bisect = fmt.Sprint(p["BisectBatchOnFunctionError"]) == "true"
	types, _ := p["FunctionResponseTypes"].([]any)
	m.Partial = slices.Contains(types, any("ReportBatchItemFailures"))
	m.Failed, _ = cfn.Dig(p, "DestinationConfig", "OnFailure", "Destination").(string)
	if m.Failed != "" && !strings.Contains(m.Failed, ":sqs:") && !strings.Contains(m.Failed, ":sns:") {
		*err = errors.Join(*err, fmt.Errorf("the destination %s is neither queue nor topic", m.Failed))
	}
	if m.Failed != "" && m.Retries < 0 {
		m.Retries = 10 // Lambda applies this when there is a destination
	}
}

func (m *Mapping) readFilters(p map[string]any, err *error) {
	filters, _ := cfn.Dig(p, "FilterCriteria", "Filters").([]any)
	if len(filters) > 5 {
		*err = errors.Join(*err, errors.New("more than 5 filters"))
	}
	field := "value"
	if m.Source == RabbitMQ {
		field = "data"
	}
	for _, f := range filters {
		var pattern map[string]any
		text := fmt.Sprint(cfn.Dig(f, "Pattern"))
		if failed := json.Unmarshal([]byte(text), &pattern); failed != nil {
			*err = errors.Join(*err, fmt.Errorf("the filter %s: %w", text, failed))
			continue
		}
		for name := range pattern {
			if name != field {
				*err = errors.Join(*err, fmt.Errorf("a filter on %s: Lambda filters only on %s", name, field))
			}
		}
		if failed := checkPattern(pattern); failed != nil {
			*err = errors.Join(*err, fmt.Errorf("the filter %s: %w", text, failed))
		}
		m.Filters = append(m.Filters, pattern)
	}
}

// single returns the only element of a list of topics or queues.
func single(v any, err *error) string {
	list, _ := v.([]any)
	if len(list) != 1 {
		*err = errors.Join(*err, errors.New("a mapping has exactly one topic or queue"))
		return ""
	}
	return fmt.Sprint(list[0])
}

// number reads an integer property, which a parameter gives as text.
func number(p map[string]any, name string, least, most, fallback int64, err *error) int64 {
	if p[name] == nil {
		return fallback
	}
	n, failed := strconv.ParseInt(fmt.Sprint(p[name]), 10, 64)
	if failed != nil || n < least || n > most {
		*err = errors.Join(*err, fmt.Errorf("%s is %v, not from %d to %d", name, p[name], least, most))
	}
	return n
}
