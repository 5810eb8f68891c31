package template

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
)

// stack is the data of deploy/template.tmpl, the core's, or of deploy/stack.tmpl.
type stack struct {
	Services []*service
	Own      *own     // of a stack of its own; nil for the core
	core     []string // the core's topics
}

// own is the data of a stack of its own.
type own struct {
	Description            string
	Broker                 string // kafka or rabbitmq
	Machines               []string
	Parameters, Conditions yaml.Node
}

// brokers have the prefixes of a broker's parameters and variables, and its address as a variable.
var brokers = map[string]struct{ parameter, variable, address string }{
	"kafka":    {"Kafka", "KAFKA", `BROKERS: !Join [",", !Ref KafkaBrokers]`},
	"rabbitmq": {"RabbitMq", "RABBITMQ", "URL: !Ref RabbitMqUrl"},
}

// Prefix is the prefix of the broker's parameters.
func (o *own) Prefix() string { return brokers[o.Broker].parameter }

// Path is the template's path.
func (s *stack) Path() string { return s.dir() + "template.yaml" }

func (s *stack) dir() string {
	if s.Own == nil {
		return ""
	}
	return "stacks/" + s.Services[0].Name + "/"
}

// root is the relative path from the template's directory to the root.
func (s *stack) root() string { return strings.Repeat("../", strings.Count(s.dir(), "/")) }

// Suffix makes the names of resources that each stack has unique.
func (s *stack) Suffix() string {
	if s.Own == nil {
		return ""
	}
	return "-" + s.Services[0].Name
}

// outside replaces references to the core's resources by their names, in a stack of its own, which
// does not change the core. Its own names also have the core's prefix.
func (s *stack) outside(text string) string {
	if s.Own == nil {
		return text
	}
	topic := func(name string) string {
		return `!Sub "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:${Core}-` + name + `"`
	}
	const audit = "/orderflow/${Core}/operator-actions"
	names := []string{
		"${AWS::StackName}", "${Core}", "!Ref AlarmTopic", topic("alarms"),
		"!Ref OperatorActionsLogs", `!Sub "` + audit + `"`, "${OperatorActionsLogs}", audit,
		"!GetAtt OperatorActionsLogs.Arn",
		`!Sub "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:` + audit + `:*"`,
	}
	for _, name := range s.core {
		names = append(names, "!Ref "+casing.Camel(name)+"Topic", topic(name))
	}
	return strings.NewReplacer(names...).Replace(text)
}

func (s *stack) filter(has func(*function) bool) (all []*function) {
	for _, service := range s.Services {
		for _, f := range service.Functions {
			if has(f) {
				all = append(all, f)
			}
		}
	}
	return all
}

func (s *stack) HTTP() []*function { return s.filter(func(f *function) bool { return f.HTTP != "" }) }
func (s *stack) Scheduled() []*function {
	return s.filter(func(f *function) bool { return f.Schedule != nil })
}
func (s *stack) Relays() []*function { return s.filter(func(f *function) bool { return f.Relay }) }
func (s *stack) Consumers() []*function {
	return s.filter((*function).HasQueue)
}
func (s *stack) Gradual() []*function {
	return s.filter(func(f *function) bool { return f.Release != "" })
}
func (s *stack) Kafka() []*function {
	return s.filter(func(f *function) bool { return f.Kafka != nil })
}
func (s *stack) Bearers() []*function {
	return s.filter(func(f *function) bool { return f.HTTP == "bearer" })
}
func (s *stack) Calls() []*function {
	return s.filter(func(f *function) bool { return f.Calls != nil })
}
func (s *stack) Looks() []*function {
	return s.filter(func(f *function) bool { return f.Addresses() != nil })
}
func (s *stack) Steps(machines ...string) []*function {
	return s.filter(func(f *function) bool { return slices.Contains(machines, f.Step) })
}

// eventQueue is a queue of a consumer of events, or its dead-letter queue, and what sends to it.
type eventQueue struct {
	Queue  string
	Events []event
	Rule   string
}

// eventQueues are queues with one policy.
type eventQueues struct {
	ID     string // of the policy
	Queues []eventQueue
}

// EventQueues are the queues that topics and rules send to, by policy.
func (s *stack) EventQueues() (all []eventQueues) {
	consumers := s.filter(func(f *function) bool { return f.Events != nil })
	if len(consumers) == 0 {
		return nil
	}
	for _, kind := range []string{"Queue", "DeadLetterQueue"} {
		of := eventQueues{ID: "Event" + kind + "sPolicy"}
		for _, f := range consumers {
			of.Queues = append(of.Queues, eventQueue{f.ID() + kind, f.Events, f.Rule})
		}
		all = append(all, of)
	}
	return all
}

// Sweeps are the scheduled functions that are not relays.
func (s *stack) Sweeps() []*function {
	return s.filter(func(f *function) bool { return f.Schedule != nil && !f.Relay })
}

// alarm is an alarm on the errors of functions of one service.
type alarm struct {
	ID        string
	Functions []*function
}

// Alarms watch the service's functions that are not scheduled. The second begins with the eleventh
// function, so a function at the end of the service's file moves no other to another alarm.
func (s *service) Alarms() (all []alarm) {
	triggered := slices.DeleteFunc(slices.Clone(s.Functions), func(f *function) bool { return f.Schedule != nil })
	for part := range slices.Chunk(triggered, perAlarm) {
		all = append(all, alarm{s.ID() + "ErrorsAlarm", part})
		if len(all) > 1 {
			all[len(all)-1].ID += strconv.Itoa(len(all))
		}
	}
	return all
}

// deadLetters is a dead-letter or failure queue, with its metric's id in an alarm.
type deadLetters struct{ Metric, Queue string }

// deadLettersAlarm is an alarm on some of these queues.
type deadLettersAlarm struct {
	ID     string
	Queues []deadLetters
}

// DeadLetters watch the dead-letter queues of schedules, queues and Kafka topics.
func (s *stack) DeadLetters() (all []deadLettersAlarm) {
	var queues []deadLetters
	if s.Scheduled() != nil {
		queues = append(queues, deadLetters{"schedules", "SchedulesDeadLetterQueue"})
	}
	for _, f := range s.Consumers() {
		queues = append(queues, deadLetters{f.MetricID(), f.ID() + "DeadLetterQueue"})
	}
	for _, f := range s.Kafka() {
		queues = append(queues, deadLetters{f.MetricID(), f.ID() + "FailureQueue"})
	}
	for part := range slices.Chunk(queues, perAlarm) {
		all = append(all, deadLettersAlarm{"DeadLettersAlarm", part})
		if len(all) > 1 {
			all[len(all)-1].ID += strconv.Itoa(len(all))
		}
	}
	return all
}

// machine is a state machine, with the functions that it calls and the log group that it writes to.
type machine struct {
	Name, Logs string
	Steps      []*function
	Parent     string // of a child: the machine that waits for it
}

func (m machine) ID() string { return casing.Camel(m.Name) }

func (s *stack) Machine(name, logs string) machine {
	return machine{Name: name, Logs: logs, Steps: s.Steps(name)}
}

func (s *stack) Child(name, parent string) machine {
	return machine{Name: name, Steps: s.Steps(name), Parent: parent}
}

// Published reports whether deployments publish a version.
func (m machine) Published() bool { return slices.Contains(saga, m.Name) }

func (s *stack) Machines() []string { return s.Own.Machines }

func (o *own) RawParameters() (string, error) { return section(&o.Parameters) }
func (o *own) RawConditions() (string, error) { return section(&o.Conditions) }
