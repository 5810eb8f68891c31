package sim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"orderflow/internal/fulfilment"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
	"orderflow/internal/verify/cfn"
)

// Definitions are the parts of the system that are not code: state machines, queues and schedules.
type Definitions struct {
	machines map[fulfilment.Machine]*asl.Machine
	stack
	// brokers are the stacks of the services with brokers, which are optional, and rebuild is the
	// machine of one of them.
	brokers stack
	rebuild *asl.Machine
}

// stack is what templates define.
type stack struct {
	queues    map[string]*queueSettings // by function
	schedules []rota
	topics    []topicSettings
	messages  []messageSettings
	timeouts  map[string]time.Duration // by function
}

// topicSettings are those of an event source for a topic of Kafka.
type topicSettings struct {
	function, topic string
	batch, retries  int
}

// messageSettings are those of an event source for a queue of RabbitMQ.
type messageSettings struct {
	function, queue string
	batch           int
}

type queueSettings struct {
	topics     map[string][]string // event types that the filter accepts, by service
	batch      int
	receives   int
	visibility time.Duration
}

func (s queueSettings) wants(service, eventType string) bool {
	return slices.Contains(s.topics[service], eventType)
}

type rota struct {
	function string
	every    time.Duration
	input    []byte
}

// children are the Express children of the other machines.
var children = []fulfilment.Machine{"prepare-order", "settle-order", "undo-order"}

// rebuildReports is the name of reporting's machine.
const rebuildReports = "rebuild-reports"

// parse reads a machine of the repository at root, changed by a mutant.
func parse(root, name string, m Mutant) (*asl.Machine, error) {
	b, err := os.ReadFile(filepath.Join(root, "statemachines", name+".asl.json")) //nolint:gosec // our own file
	if err != nil {
		return nil, err
	}
	text := strings.NewReplacer(m.edit...).Replace(string(b))
	// ${ReserveStockFunction} is the function reserve-stock, ${CompensateOrderArn} the machine
	// compensate-order.
	target := func(name string) string {
		return casing.Kebab(strings.TrimSuffix(strings.TrimSuffix(name, "Function"), "Arn"))
	}
	return asl.Parse(asl.Substitute([]byte(text), target))
}

// Load reads the definitions of the repository at root, changed by a mutant.
func Load(root string, m Mutant) (d *Definitions, err error) {
	d = &Definitions{machines: map[fulfilment.Machine]*asl.Machine{}}
	for _, name := range append(children, fulfilment.FulfilOrder, fulfilment.CompensateOrder) {
		if d.machines[name], err = parse(root, string(name), m); err != nil {
			return nil, err
		}
	}
	if d.rebuild, err = parse(root, rebuildReports, m); err != nil {
		return nil, err
	}
	if err := d.readTemplate(filepath.Join(root, "template.yaml"), core, nil); err != nil {
		return nil, err
	}
	for service, parameters := range map[string]map[string]string{
		"reporting": {"KafkaBrokers": "kafka:9092", "KafkaSecret": "secret"},
		"warehouse": {"RabbitMqUrl": "amqps://rabbitmq", "RabbitMqSecret": "secret", "RabbitMqBroker": "broker"},
	} {
		parameters["Core"] = core
		file := filepath.Join(root, "stacks", service, "template.yaml")
		if err := d.brokers.readTemplate(file, core+"-"+service, parameters); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(d.brokers.topics, func(a, b topicSettings) int { return cmp.Compare(a.topic, b.topic) })
	return d, nil
}

// core is the name of the core's stack.
const core = "shop"

// properties are those of all resources that matter here.
type properties struct {
	BatchSize, VisibilityTimeout int
	FunctionName, EventSourceArn string
	RedrivePolicy                struct{ MaxReceiveCount int }
	Protocol, Endpoint, TopicArn string
	FilterPolicy                 struct{ Type []string }
	Queues                       []string
	ScheduleExpression           string
	Target                       struct{ Arn, Input string }
	Topics                       []string
	MaximumRetryAttempts         int
	Timeout                      int
}

// readTemplate reads queues and schedules from the template, so a missing subscription or a wrong
// filter is found like any defect.
func (d *stack) readTemplate(file, name string, parameters map[string]string) error {
	stack, err := cfn.Load(file, name, parameters)
	if err != nil {
		return err
	}
	if d.queues == nil {
		d.queues, d.timeouts = map[string]*queueSettings{}, map[string]time.Duration{}
	}
	// own returns the end of a name that begins with a stack's.
	own := func(arn string) string {
		n := arn[strings.LastIndexByte(arn, ':')+1:]
		return strings.TrimPrefix(strings.TrimPrefix(n, name+"-"), core+"-")
	}
	each := func(kind string, use func(id string, p properties)) {
		for _, id := range stack.OfType(kind) {
			var p properties
			err = errors.Join(err, json.Unmarshal(must(json.Marshal(stack.Properties(id))), &p))
			use(id, p)
		}
	}
	// Events are delivered to queues with a policy; the edges' queues have none.
	delivered := map[string]bool{}
	each("AWS::SQS::QueuePolicy", func(_ string, p properties) {
		for _, url := range p.Queues {
			delivered[url] = true
		}
	})
	queues := map[string]properties{} // by ARN, as the next
	consumed := map[string]*queueSettings{}
	each("AWS::SQS::Queue", func(id string, p properties) {
		if delivered[fmt.Sprint(stack.Value(map[string]any{"Ref": id}))] {
			queues[fmt.Sprint(stack.Value(map[string]any{"Fn::GetAtt": id + ".Arn"}))] = p
		}
	})
	each("AWS::Lambda::EventSourceMapping", func(_ string, p properties) {
		switch q, ok := queues[p.EventSourceArn]; {
		case len(p.Topics) > 0:
			t := topicSettings{own(p.FunctionName), p.Topics[0], p.BatchSize, p.MaximumRetryAttempts}
			d.topics = append(d.topics, t)
		case len(p.Queues) > 0:
			d.messages = append(d.messages, messageSettings{own(p.FunctionName), p.Queues[0], p.BatchSize})
		case ok: // else a stream, or an edge
			s := &queueSettings{
				topics: map[string][]string{}, batch: p.BatchSize, receives: q.RedrivePolicy.MaxReceiveCount,
				visibility: time.Duration(q.VisibilityTimeout) * time.Second,
			}
			consumed[p.EventSourceArn], d.queues[own(p.FunctionName)] = s, s
		}
	})
	each("AWS::SNS::Subscription", func(id string, p properties) {
		service, q := own(p.TopicArn), consumed[p.Endpoint]
		switch {
		case q != nil:
			q.topics[service] = append(q.topics[service], p.FilterPolicy.Type...)
		case p.Protocol == "sqs":
			err = errors.Join(err, fmt.Errorf("%s: no function reads the queue %s", id, p.Endpoint))
		}
	})
	each("AWS::Serverless::Function", func(_ string, p properties) {
		d.timeouts[own(p.FunctionName)] = time.Duration(p.Timeout) * time.Second
	})
	each("AWS::Scheduler::Schedule", func(id string, p properties) {
		var minutes int
		if _, bad := fmt.Sscanf(p.ScheduleExpression, "rate(%d minutes)", &minutes); bad != nil {
			err = errors.Join(err, fmt.Errorf("%s: %s: %w", id, p.ScheduleExpression, bad))
		}
		every := time.Duration(minutes) * time.Minute
		d.schedules = append(d.schedules, rota{own(p.Target.Arn), every, []byte(p.Target.Input)})
	})
	return err
}
