package template

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
)

type function struct {
	Name    string   `yaml:"function"`
	Service *service `yaml:"-"`
	Timeout int      // in seconds; default 10

	// Its trigger: one of these.
	HTTP     string // the API: bearer if it verifies tokens, open if it does not
	Step     string // the state machine of this name
	Events   []event
	Queue    bool // its queue, to which other functions send
	Schedule *schedule
	Kafka    *kafka
	RabbitMQ *rabbitmq
	Relay    bool `yaml:"-"` // the stream of the service's table

	Broker  bool   // connects to its stack's broker; Kafka and RabbitMQ imply its grants
	Batch   int    // most events of one invocation; default 10
	Rule    string // of EventBridge, which also sends to its queue
	Release string // gradual: a release shifts traffic in steps
	Version string // parameters whose changes publish a new version
	Begins  bool   // it starts sagas; its trigger is off while running sagas are drained

	// Grants beyond those implied by the above.
	Table   []string // actions on its service's table,
	Keys    []string // limited to these partition keys
	Queries string   // the index of the table that it queries
	Calls   []string // addresses that it calls by HTTP, behind a bulkhead
	LooksUp []string `yaml:"looksUp"` // addresses that it only looks up
	Audited bool     // writes to the audit log
	Grants  []grant

	Env yaml.Node // variables beyond the implied ones
}

// Core reports whether the function belongs to the core, whose events a process may handle instead.
func (f *function) Core() bool { return f.Service.Stack == nil }

type event struct {
	From  string
	Types []string
	Name  string `yaml:"id"`
	ID    string `yaml:"-"` // suffix of its logical id
}

type schedule struct{ Every, Input string }

// kafka is Lambda's event source of Kafka: a mapping for each topic.
type kafka struct {
	Topics  []string
	Window  int // in seconds: how long a batch waits for more records
	Retries int // of a batch, before its halves and finally single records go to the failure queue
	Pollers int // most of them; default 1
	Filter  string
}

// ID is a topic's part of the logical id of its mapping: Orders for orderflow.orders.events.
func (k *kafka) ID(topic string) string {
	return casing.Camel(strings.TrimSuffix(strings.TrimPrefix(topic, "orderflow."), ".events"))
}

// rabbitmq is Lambda's event source of Amazon MQ for RabbitMQ.
type rabbitmq struct {
	Queue, VHost string
	Window       int // in seconds
}

// grant is a statement of the function's policy; Effect is Allow.
type grant struct {
	If        string    `yaml:"If"` // condition of the grant
	Action    yaml.Node `yaml:"Action"`
	Resource  yaml.Node `yaml:"Resource"`
	Condition yaml.Node `yaml:"Condition"`
}

func (f *function) check() error {
	f.Timeout, f.Batch = cmp.Or(f.Timeout, 10), cmp.Or(f.Batch, 10)
	if f.Kafka != nil {
		f.Kafka.Pollers = cmp.Or(f.Kafka.Pollers, 1)
	}
	triggers := 0
	for _, is := range []bool{
		f.HTTP != "", f.Step != "", f.Events != nil, f.Queue, f.Schedule != nil, f.Kafka != nil, f.RabbitMQ != nil,
	} {
		if is {
			triggers++
		}
	}
	switch {
	case triggers != 1:
		return fmt.Errorf("it has %d of http, step, events, queue, schedule, kafka and rabbitmq, want one", triggers)
	case !slices.Contains([]string{"", "bearer", "open"}, f.HTTP):
		return fmt.Errorf("http is %q, want bearer or open", f.HTTP)
	case f.Step != "" && !slices.Contains(f.Service.machines(), f.Step):
		return fmt.Errorf("unknown state machine %q", f.Step)
	case f.Release != "" && (f.Release != "gradual" || f.HTTP == "" || f.Service.Stack != nil):
		return fmt.Errorf("release is %q, want none, or gradual for a function of the core with http", f.Release)
	case f.Kafka != nil && f.Service.broker() != "kafka", f.RabbitMQ != nil && f.Service.broker() != "rabbitmq",
		f.Broker && f.Service.broker() == "":
		return fmt.Errorf("its trigger is not of its stack's broker %q", f.Service.broker())
	case slices.ContainsFunc(f.Table, func(a string) bool { return !slices.Contains(tableActions, a) }):
		return fmt.Errorf("table is %v, want some of %v", f.Table, tableActions)
	case f.Service.Table == nil && (f.Table != nil || f.Queries != ""):
		return fmt.Errorf("%s has no table", f.Service.Name)
	case f.LooksUp != nil && (f.Calls != nil || !strings.HasPrefix(f.Name, "check-")):
		return errors.New("looksUp is for functions that check others; use calls for HTTP")
	}
	// The first subscription keeps its logical id when others are added: CloudFormation deletes a
	// renamed one.
	for i := range f.Events {
		f.Events[i].ID = "Subscription"
		if i > 0 {
			f.Events[i].ID += "To" + casing.Camel(f.Events[i].From)
		}
		if f.Events[i].Name != "" {
			f.Events[i].ID = f.Events[i].Name
		}
	}
	return nil
}

func (f *function) ID() string { return casing.Camel(f.Name) }

// MetricID is the function's metric id in an alarm.
func (f *function) MetricID() string { return casing.LowerCamel(f.ID()) }

// Published reports whether deployments publish a version, for an alias or a state machine.
func (f *function) Published() bool { return f.Release != "" || slices.Contains(saga, f.Step) }

// HasQueue reports whether a queue invokes it.
func (f *function) HasQueue() bool { return f.Events != nil || f.Queue }

// Connects reports whether its role is used to connect to the broker, by itself or by Lambda.
func (f *function) Connects() bool { return f.Broker || f.Kafka != nil || f.RabbitMQ != nil }

// Visibility is the visibility timeout: six times the function's timeout, as AWS recommends.
func (f *function) Visibility() int { return 6 * f.Timeout }

// Addresses are all addresses that it looks up.
func (f *function) Addresses() []string { return slices.Concat(f.Calls, f.LooksUp) }

// Variables are its environment variables.
func (f *function) Variables() (string, error) {
	var all []string
	if f.Table != nil || f.Queries != "" || f.Relay {
		all = append(all, "TABLE_NAME: !Ref "+f.Service.ID()+"Table")
	}
	if f.Relay {
		all = append(all, "TOPIC_ARN: !Ref "+f.Service.ID()+"Topic")
	}
	if f.Addresses() != nil {
		all = append(all, "DISCOVERY: !Ref Discovery")
	}
	if f.Audited {
		all = append(all, "OPERATOR_ACTIONS: !Ref OperatorActionsLogs")
	}
	if f.Broker {
		b := brokers[f.Service.broker()]
		all = append(all, b.variable+"_"+b.address,
			fmt.Sprintf("%s_SECRET: !Ref %sSecret", b.variable, b.parameter),
			fmt.Sprintf("%s_CA_SECRET: !Ref %sCaSecret", b.variable, b.parameter))
	}
	if !f.Env.IsZero() {
		own, err := flow(&f.Env)
		if err != nil {
			return "", err
		}
		all = append(all, strings.TrimSuffix(strings.TrimPrefix(own, "{"), "}"))
	}
	if all == nil {
		return "", nil
	}
	return "{" + strings.Join(all, ", ") + "}", nil
}

// Statements are the grants as IAM statements.
func (f *function) Statements() ([]string, error) {
	var all []string
	for _, g := range f.Grants {
		statement := "{Effect: Allow"
		for _, part := range []struct {
			name string
			of   yaml.Node
		}{{"Action", g.Action}, {"Resource", g.Resource}, {"Condition", g.Condition}} {
			if part.of.IsZero() {
				continue
			}
			text, err := flow(&part.of)
			if err != nil {
				return nil, err
			}
			statement += ", " + part.name + ": " + text
		}
		statement += "}"
		if g.If != "" {
			statement = "!If [" + g.If + ", " + statement + ", !Ref AWS::NoValue]"
		}
		all = append(all, statement)
	}
	return all, nil
}
