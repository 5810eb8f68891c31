package sim

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"orderflow/internal/verify/cfn"
)

// wiring is what the deployment says about queues and schedules.
type wiring struct {
	queues    map[string]queueSettings // by function
	schedules []rota
}

type queueSettings struct {
	topics     map[string][]string // event types that the filter accepts, by service
	batch      int
	receives   int
	visibility time.Duration
}

// rota is a schedule of a function.
type rota struct {
	function string
	every    time.Duration
	input    []byte
}

// readWiring reads template.yaml, so a missing subscription or a wrong filter is found like any
// defect.
func readWiring(root string) (*wiring, error) {
	template, err := cfn.Read(filepath.Join(root, "template.yaml"))
	if err != nil {
		return nil, err
	}
	stack, err := cfn.New(template, "shop", nil)
	if err != nil {
		return nil, err
	}
	w := &wiring{queues: map[string]queueSettings{}}
	queues := map[string]map[string]any{} // by ARN
	for _, id := range stack.OfType("AWS::SQS::Queue") {
		queues[fmt.Sprint(stack.Value(map[string]any{"Fn::GetAtt": id + ".Arn"}))] = stack.Properties(id)
	}
	consumers := map[string]string{} // by the ARN of their queue
	for _, id := range stack.OfType("AWS::Lambda::EventSourceMapping") {
		mapping := stack.Properties(id)
		source := fmt.Sprint(mapping["EventSourceArn"])
		queue, ok := queues[source]
		if !ok {
			continue // a stream
		}
		consumers[source] = strings.TrimPrefix(fmt.Sprint(mapping["FunctionName"]), "shop-")
		w.queues[consumers[source]] = queueSettings{
			topics: map[string][]string{}, batch: number(mapping["BatchSize"]),
			receives:   number(cfn.Dig(queue, "RedrivePolicy", "maxReceiveCount")),
			visibility: time.Duration(number(queue["VisibilityTimeout"])) * time.Second,
		}
	}
	for _, id := range stack.OfType("AWS::SNS::Subscription") {
		p := stack.Properties(id)
		if p["Protocol"] != "sqs" {
			continue
		}
		consumer, ok := consumers[fmt.Sprint(p["Endpoint"])]
		if !ok {
			return nil, fmt.Errorf("%s: no function reads the queue %v", id, p["Endpoint"])
		}
		_, service, _ := strings.Cut(fmt.Sprint(p["TopicArn"]), ":shop-")
		types, _ := cfn.Dig(p, "FilterPolicy", "type").([]any)
		for _, eventType := range types {
			w.queues[consumer].topics[service] = append(w.queues[consumer].topics[service], fmt.Sprint(eventType))
		}
	}
	for _, id := range stack.OfType("AWS::Scheduler::Schedule") {
		p := stack.Properties(id)
		var minutes int
		if _, err := fmt.Sscanf(fmt.Sprint(p["ScheduleExpression"]), "rate(%d minutes)", &minutes); err != nil {
			return nil, fmt.Errorf("%s: %v: %w", id, p["ScheduleExpression"], err)
		}
		_, function, _ := strings.Cut(fmt.Sprint(cfn.Dig(p, "Target", "Arn")), ":shop-")
		input := fmt.Sprint(cfn.Dig(p, "Target", "Input"))
		w.schedules = append(w.schedules, rota{function, time.Duration(minutes) * time.Minute, []byte(input)})
	}
	return w, nil
}

func number(v any) int {
	n, _ := v.(int)
	return n
}

// wants reports whether the queue's subscriptions accept an event type.
func (s queueSettings) wants(service, eventType string) bool {
	return slices.Contains(s.topics[service], eventType)
}
