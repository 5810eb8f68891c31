// Package wiring reads from a template what invokes functions: queues with their subscriptions,
// schedules, rules for ended executions, and topics and queues of brokers. The one process and the
// simulation both follow it, so nothing is configured twice.
package wiring

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"orderflow/internal/platform/cfn"
)

// Wiring is what invokes the functions of stacks.
type Wiring struct {
	Queues    map[string]*Queue // by function
	Schedules []Schedule
	Topics    []Topic
	Messages  []Message
	Timeouts  map[string]time.Duration // of functions
	// Reserved is how many invocations of a function may run at a time, if that is limited.
	Reserved map[string]int
}

// Queue is a queue with the function that consumes it.
type Queue struct {
	Topics      map[string][]string // event types that the filters accept, by the topic's service
	Ends        []End
	Batch       int
	Concurrency int           // batches at a time
	Receives    int           // of a message, until it goes to the dead-letter queue
	Visibility  time.Duration // how long a message that was received is hidden
	// Internal says that only a function sends to the queue, not a topic or rule.
	Internal bool
}

// Wants reports whether the queue subscribes to a type of events of a service.
func (q Queue) Wants(service, eventType string) bool {
	return slices.Contains(q.Topics[service], eventType)
}

// WantsEnd reports whether the queue is told of executions of a machine that end with a status.
func (q Queue) WantsEnd(machine, status string) bool {
	return slices.ContainsFunc(q.Ends, func(e End) bool {
		return slices.Contains(e.Machines, machine) && slices.Contains(e.Statuses, status)
	})
}

// End is a rule for executions that ended.
type End struct{ Machines, Statuses []string }

// Schedule invokes a function regularly.
type Schedule struct {
	Function string
	Every    time.Duration
	Input    []byte
}

// Topic is an event source for a topic of Kafka.
type Topic struct {
	Function, Topic string
	Batch, Retries  int
}

// Message is an event source for a queue of RabbitMQ.
type Message struct {
	Function, Queue string
	Batch           int
}

// properties are the properties that are read, of all types of resources.
type properties struct {
	BatchSize, VisibilityTimeout int
	ScalingConfig                struct{ MaximumConcurrency int }
	FunctionName, EventSourceArn string
	RedrivePolicy                struct{ MaxReceiveCount int }
	Protocol, Endpoint, TopicArn string
	FilterPolicy                 struct{ Type []string }
	EventPattern                 struct {
		Detail struct{ StateMachineArn, Status []string }
	}
	Targets              []struct{ Arn string }
	Queues               []string
	ScheduleExpression   string
	Target               struct{ Arn, Input string }
	Topics               []string
	MaximumRetryAttempts int
	Timeout              int

	ReservedConcurrentExecutions json.Number
}

// reader reads one stack.
type reader struct {
	*cfn.Stack
	core   string
	failed error
}

// own returns a name without its stack's prefix.
func (r *reader) own(arn string) string {
	n := arn[strings.LastIndexByte(arn, ':')+1:]
	return strings.TrimPrefix(strings.TrimPrefix(n, r.Name+"-"), r.core+"-")
}

// each calls use for every resource of a type.
func (r *reader) each(kind string, use func(id string, p properties)) {
	for _, id := range r.OfType(kind) {
		var p properties
		b, err := json.Marshal(r.Properties(id))
		if err == nil {
			err = json.Unmarshal(b, &p)
		}
		r.failed = errors.Join(r.failed, err)
		use(id, p)
	}
}

func (r *reader) arn(id string) string {
	return fmt.Sprint(r.Value(map[string]any{"Fn::GetAtt": id + ".Arn"}))
}

// Read returns the wiring of stacks together. core is the name of the core's stack, whose resources
// others refer to.
func Read(core string, stacks ...*cfn.Stack) (*Wiring, error) {
	w := &Wiring{Queues: map[string]*Queue{}, Timeouts: map[string]time.Duration{}, Reserved: map[string]int{}}
	var failed error
	for _, stack := range stacks {
		r := &reader{Stack: stack, core: core}
		w.read(r)
		failed = errors.Join(failed, r.failed)
	}
	slices.SortFunc(w.Topics, func(a, b Topic) int { return cmp.Compare(a.Topic, b.Topic) })
	return w, failed
}

func (w *Wiring) read(r *reader) {
	consumed := w.readSources(r)
	r.each("AWS::SNS::Subscription", func(id string, p properties) {
		service, q := r.own(p.TopicArn), consumed[p.Endpoint]
		switch {
		case q != nil:
			q.Topics[service] = append(q.Topics[service], p.FilterPolicy.Type...)
		case p.Protocol == "sqs":
			r.failed = errors.Join(r.failed, fmt.Errorf("%s: no function reads the queue %s", id, p.Endpoint))
		}
	})
	r.each("AWS::Events::Rule", func(id string, p properties) {
		end := End{Statuses: p.EventPattern.Detail.Status}
		for _, arn := range p.EventPattern.Detail.StateMachineArn {
			end.Machines = append(end.Machines, r.own(arn))
		}
		for _, target := range p.Targets {
			q := consumed[target.Arn]
			if q == nil {
				r.failed = errors.Join(r.failed, fmt.Errorf("%s: no function reads the queue %s", id, target.Arn))
				continue
			}
			q.Ends = append(q.Ends, end)
		}
	})
	r.each("AWS::Serverless::Function", func(_ string, p properties) {
		w.Timeouts[r.own(p.FunctionName)] = time.Duration(p.Timeout) * time.Second
		if p.ReservedConcurrentExecutions != "" {
			n, bad := strconv.Atoi(string(p.ReservedConcurrentExecutions))
			r.failed = errors.Join(r.failed, bad)
			w.Reserved[r.own(p.FunctionName)] = n
		}
	})
	r.each("AWS::Scheduler::Schedule", func(id string, p properties) {
		var minutes int
		if _, bad := fmt.Sscanf(p.ScheduleExpression, "rate(%d minutes)", &minutes); bad != nil {
			r.failed = errors.Join(r.failed, fmt.Errorf("%s: %s: %w", id, p.ScheduleExpression, bad))
		}
		every := time.Duration(minutes) * time.Minute
		w.Schedules = append(w.Schedules, Schedule{r.own(p.Target.Arn), every, []byte(p.Target.Input)})
	})
}

// readSources reads the event sources of functions and returns the consumed queues by ARN.
func (w *Wiring) readSources(r *reader) map[string]*Queue {
	// Topics and rules deliver to queues with a policy; functions' own queues have none.
	delivered := map[string]bool{}
	r.each("AWS::SQS::QueuePolicy", func(_ string, p properties) {
		for _, url := range p.Queues {
			delivered[url] = true
		}
	})
	declared, internal := map[string]properties{}, map[string]bool{} // by ARN
	r.each("AWS::SQS::Queue", func(id string, p properties) {
		declared[r.arn(id)] = p
		internal[r.arn(id)] = !delivered[fmt.Sprint(r.Value(map[string]any{"Ref": id}))]
	})
	consumed := map[string]*Queue{}
	r.each("AWS::Lambda::EventSourceMapping", func(_ string, p properties) {
		switch q, ok := declared[p.EventSourceArn]; {
		case len(p.Topics) > 0:
			t := Topic{r.own(p.FunctionName), p.Topics[0], p.BatchSize, p.MaximumRetryAttempts}
			w.Topics = append(w.Topics, t)
		case len(p.Queues) > 0:
			w.Messages = append(w.Messages, Message{r.own(p.FunctionName), p.Queues[0], p.BatchSize})
		case ok: // else a stream
			s := &Queue{
				Topics: map[string][]string{}, Batch: p.BatchSize, Concurrency: p.ScalingConfig.MaximumConcurrency,
				Receives: q.RedrivePolicy.MaxReceiveCount, Internal: internal[p.EventSourceArn],
				Visibility: time.Duration(q.VisibilityTimeout) * time.Second,
			}
			consumed[p.EventSourceArn], w.Queues[r.own(p.FunctionName)] = s, s
		}
	})
	return consumed
}
