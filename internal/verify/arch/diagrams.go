package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/cfn"
)

// Diagram is a Mermaid diagram generated from the repository.
type Diagram struct{ Name, Text string }

// Diagrams draws the state machines and the flow of events.
func Diagrams(r *Repo) []Diagram {
	return []Diagram{
		{fulfil, machineDiagram(r.Machines[fulfil])},
		{"prepare-order", machineDiagram(r.Machines["prepare-order"])},
		{"settle-order", machineDiagram(r.Machines["settle-order"])},
		{compensate, machineDiagram(r.Machines[compensate])},
		{"undo-order", machineDiagram(r.Machines["undo-order"])},
		{"events", eventDiagram(r)},
		{"stacks", stackDiagram(r)},
	}
}

func machineDiagram(m *asl.Machine) string {
	var b strings.Builder
	fmt.Fprintf(&b, "stateDiagram-v2\n    [*] --> %s\n", m.StartAt)
	for _, name := range order(m) {
		s := m.States[name]
		for _, c := range s.Choices {
			fmt.Fprintf(&b, "    %s --> %s: yes\n", name, c.Next)
		}
		if s.Default != "" {
			fmt.Fprintf(&b, "    %s --> %s: no\n", name, s.Default)
		}
		if s.Next != "" {
			fmt.Fprintf(&b, "    %s --> %s\n", name, s.Next)
		}
		var after []string
		for _, c := range s.Catch {
			if c.Next != s.Next && !slices.Contains(after, c.Next) {
				after = append(after, c.Next)
				why := "failed"
				if detours[name] == c.Next { // no failure
					why = c.ErrorEquals[0]
				}
				fmt.Fprintf(&b, "    %s --> %s: %s\n", name, c.Next, why)
			}
		}
		if len(s.Successors()) == 0 || s.Type == asl.Task && s.Next == "" {
			fmt.Fprintf(&b, "    %s --> [*]\n", name)
		}
	}
	return b.String()
}

// order lists the reachable states in breadth-first order.
func order(m *asl.Machine) []string {
	states := []string{m.StartAt}
	for i := 0; i < len(states); i++ {
		for _, next := range m.States[states[i]].Successors() {
			if !slices.Contains(states, next) {
				states = append(states, next)
			}
		}
	}
	return states
}

// eventDiagram draws which function receives which events from which topic.
func eventDiagram(r *Repo) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, p := range r.each("AWS::SNS::Subscription") {
		for _, t := range texts(cfn.Dig(p, "FilterPolicy", "type")) {
			parts := strings.Split(t, ".")
			fmt.Fprintf(&b, "    %s((%s)) -- %s --> %s\n", text(p["TopicArn"]), parts[1], strings.Join(parts[2:], "."),
				strings.TrimSuffix(text(p["Endpoint"]), "Queue.Arn"))
		}
	}
	return b.String()
}

// stackDiagram draws the inputs and outputs of each stack of its own: topics, queues and brokers.
func stackDiagram(r *Repo) string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for _, stack := range r.Own {
		fmt.Fprintf(&b, "    subgraph %s\n", stack.Stack)
		for _, id := range stack.ofType("AWS::Serverless::Function") {
			fmt.Fprintf(&b, "        %s\n", strings.TrimSuffix(id, "Function"))
		}
		b.WriteString("    end\n")
		var edges []string
		for _, p := range stack.each("AWS::SNS::Subscription") {
			_, topic, _ := strings.Cut(text(p["TopicArn"]), "${Core}-")
			if topic == "" {
				topic = strings.ToLower(strings.TrimSuffix(text(p["TopicArn"]), "Topic"))
			}
			edges = append(edges, fmt.Sprintf("%[1]sTopic((%[1]s)) --> %[2]s", topic,
				strings.TrimSuffix(text(p["Endpoint"]), "Queue.Arn")))
		}
		for _, p := range stack.each("AWS::Lambda::EventSourceMapping") {
			for _, kind := range []string{"Topics", "Queues"} {
				for _, from := range texts(p[kind]) {
					to := strings.TrimSuffix(text(p["FunctionName"]), "Function")
					edges = append(edges, fmt.Sprintf("%s[(%s)] --> %s", strings.ReplaceAll(from, ".", "_"), from, to))
				}
			}
		}
		for id, p := range stack.each("AWS::Serverless::Function") {
			for broker, variable := range map[string]string{"Kafka": "KAFKA_SECRET", "RabbitMQ": "RABBITMQ_SECRET"} {
				if cfn.Dig(p, "Environment", "Variables", variable) != nil {
					edges = append(edges, strings.TrimSuffix(id, "Function")+" <--> "+broker+"[("+broker+")]")
				}
			}
		}
		slices.Sort(edges)
		for _, edge := range slices.Compact(edges) {
			fmt.Fprintf(&b, "    %s\n", edge)
		}
	}
	return b.String()
}

const document = "docs/architecture.md"

// Draw regenerates the diagrams of docs/architecture.md from the state machines and the template.
func Draw(root string) error {
	r, err := Load(root)
	if err != nil {
		return err
	}
	doc := []byte(r.Texts[document])
	for _, d := range Diagrams(r) {
		// A diagram is the Mermaid block after the comment that names it.
		block := regexp.MustCompile(`(?s)(<!-- diagram: ` + d.Name + ` -->\n` + "```mermaid\n).*?(```)")
		if !block.Match(doc) {
			return fmt.Errorf("%s has no block for the diagram %s: add one", document, d.Name)
		}
		doc = block.ReplaceAll(doc, []byte("${1}"+d.Text+"${2}"))
	}
	return os.WriteFile(filepath.Join(root, document), doc, 0o644)
}
