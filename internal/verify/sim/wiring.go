package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// wiring is what the deployment says of queues: which function reads which, and what it subscribes to.
type wiring struct {
	queues    map[string]queueSettings // by function
	schedules []rota
}

type queueSettings struct {
	// topics are the services whose events go there, with the types that the filter lets through.
	topics     map[string][]string
	batch      int
	receives   int
	visibility time.Duration
}

// rota has a function called time and again.
type rota struct {
	function string
	every    time.Duration
	input    []byte
}

// resource is the part of a template's resource that is looked at. Intrinsics such as !Ref read as their text.
type resource struct {
	Type       string    `yaml:"Type"`
	Properties yaml.Node `yaml:"Properties"`
}

// readWiring reads template.yaml, so that a forgotten subscription or a filter with a slip is found like any other mistake.
func readWiring(root string) (*wiring, error) {
	b, err := os.ReadFile(filepath.Join(root, "template.yaml")) //nolint:gosec // of the repository
	if err != nil {
		return nil, err
	}
	var t struct {
		Resources map[string]resource `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(b, &t); err != nil {
		return nil, err
	}
	w := &wiring{queues: map[string]queueSettings{}}
	for id, r := range t.Resources {
		if r.Type == "AWS::Lambda::EventSourceMapping" {
			if err := w.addQueue(t.Resources, r); err != nil {
				return nil, fmt.Errorf("%s: %w", id, err)
			}
		}
	}
	for _, id := range sortedKeys(t.Resources) {
		var err error
		switch r := t.Resources[id]; r.Type {
		case "AWS::SNS::Subscription":
			err = w.subscribe(r)
		case "AWS::Scheduler::Schedule":
			err = w.addSchedule(r)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
	}
	return w, nil
}

func (w *wiring) addQueue(all map[string]resource, r resource) error {
	var mapping struct {
		Function string `yaml:"FunctionName"`
		Source   string `yaml:"EventSourceArn"`
		Batch    int    `yaml:"BatchSize"`
	}
	if err := r.Properties.Decode(&mapping); err != nil {
		return err
	}
	name, of := strings.CutSuffix(mapping.Source, "Queue.Arn")
	if !of {
		return nil // a stream
	}
	var queue struct {
		Visibility int `yaml:"VisibilityTimeout"`
		Redrive    struct {
			Receives int `yaml:"maxReceiveCount"`
		} `yaml:"RedrivePolicy"`
	}
	properties := all[name+"Queue"].Properties
	if err := properties.Decode(&queue); err != nil {
		return err
	}
	w.queues[kebab(strings.TrimSuffix(mapping.Function, "Function"))] = queueSettings{
		topics: map[string][]string{}, batch: mapping.Batch, receives: queue.Redrive.Receives,
		visibility: time.Duration(queue.Visibility) * time.Second,
	}
	return nil
}

func (w *wiring) addSchedule(r resource) error {
	var s struct {
		Rate   string `yaml:"ScheduleExpression"`
		Target struct {
			Arn   string `yaml:"Arn"`
			Input string `yaml:"Input"`
		} `yaml:"Target"`
	}
	if err := r.Properties.Decode(&s); err != nil {
		return err
	}
	var minutes int
	if _, err := fmt.Sscanf(s.Rate, "rate(%d minutes)", &minutes); err != nil {
		return fmt.Errorf("schedule %q: %w", s.Rate, err)
	}
	w.schedules = append(w.schedules, rota{
		kebab(strings.TrimSuffix(s.Target.Arn, "Function.Arn")), time.Duration(minutes) * time.Minute, []byte(s.Target.Input),
	})
	return nil
}

func (w *wiring) subscribe(r resource) error {
	var s struct {
		Topic    string `yaml:"TopicArn"`
		Endpoint string `yaml:"Endpoint"`
		Protocol string `yaml:"Protocol"`
		Filter   struct {
			Types []string `yaml:"type"`
		} `yaml:"FilterPolicy"`
	}
	if err := r.Properties.Decode(&s); err != nil || s.Protocol != "sqs" {
		return err
	}
	consumer := kebab(strings.TrimSuffix(s.Endpoint, "Queue.Arn"))
	topic := strings.ToLower(strings.TrimSuffix(s.Topic, "Topic"))
	q, ok := w.queues[consumer]
	if !ok {
		return fmt.Errorf("no function reads the queue of %s", consumer)
	}
	q.topics[topic] = append(q.topics[topic], s.Filter.Types...)
	return nil
}

// wants reports whether the queue's subscriptions let an event through.
func (s queueSettings) wants(service, eventType string) bool {
	return slices.Contains(s.topics[service], eventType)
}

// kebab turns ReserveStock into reserve-stock.
func kebab(id string) string {
	var b strings.Builder
	for i, r := range id {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}
