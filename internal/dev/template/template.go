// Package template generates template.yaml from deploy/: differences between services are in
// deploy/<service>.yaml, common parts in deploy/*.tmpl.
package template

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
	"orderflow/internal/verify/cfn"
)

// perAlarm is the most metrics of an alarm.
const perAlarm = 10

// tableActions are what a function may do with its service's table.
var tableActions = []string{
	"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem",
}

// Write returns template.yaml, generated from dir, which is deploy/.
func Write(dir fs.FS) ([]byte, error) {
	s, err := read(dir)
	if err != nil {
		return nil, err
	}
	shapes, err := template.New("template.tmpl").Option("missingkey=error").Funcs(template.FuncMap{
		"id": casing.Camel, "flow": flow, "list": func(all ...any) []any { return all },
		"dashes": func(after string) string { return strings.Repeat("-", 90-len(after)) },
	}).ParseFS(dir, "*.tmpl")
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := shapes.Execute(&out, s); err != nil {
		return nil, err
	}
	if _, err := cfn.Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("the template generated from deploy/ is not YAML: %w", err)
	}
	return out.Bytes(), nil
}

// Check fails if template.yaml of the repository at root differs from its deploy/.
func Check(root string) error {
	want, err := Write(os.DirFS(filepath.Join(root, "deploy")))
	if err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(root, "template.yaml")) //nolint:gosec // G304: of the repository
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("template.yaml is not what deploy/ describes: run `go run ./cmd/dev generate`")
	}
	return nil
}

// ServiceOf returns the service of each function in dir, which is deploy/.
func ServiceOf(dir fs.FS) (map[string]string, error) {
	s, err := read(dir)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, service := range s.Services {
		for _, f := range service.Functions {
			of[f.Name] = service.Name
		}
	}
	return of, nil
}

func read(dir fs.FS) (*stack, error) {
	files, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	s := &stack{}
	for _, file := range files {
		service, err := readService(dir, file)
		if err != nil {
			return nil, fmt.Errorf("deploy/%s: %w", file, err)
		}
		s.Services = append(s.Services, service)
	}
	return s, nil
}

func readService(dir fs.FS, file string) (*service, error) {
	b, err := fs.ReadFile(dir, file)
	if err != nil {
		return nil, err
	}
	s := &service{Name: strings.TrimSuffix(path.Base(file), ".yaml")}
	decoder := yaml.NewDecoder(bytes.NewReader(b))
	decoder.KnownFields(true)
	if err := decoder.Decode(s); err != nil {
		return nil, err
	}
	if s.Publishes {
		relay := &function{Name: "relay-" + s.Name + "-events", Relay: true}
		relay.Schedule = &schedule{"5 minutes", `{"sweep":"outbox"}`}
		s.Functions = append(s.Functions, relay)
	}
	for _, f := range s.Functions {
		f.Service = s
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return s, nil
}

// stack is the data of deploy/template.tmpl.
type stack struct{ Services []*service }

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
func (s *stack) Steps(machine string) []*function {
	return s.filter(func(f *function) bool { return f.Step == machine })
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

type service struct {
	Name  string `yaml:"-"`
	Table *struct {
		Indexes []struct{ Name, Projection string }
	}
	Publishes bool // publishes events: the table has an outbox, a stream, a relay and a topic
	Address   bool // other services look it up
	Functions []*function
	Resources yaml.Node // the service's own resources, as in a template
}

func (s *service) ID() string { return casing.Camel(s.Name) }

// Raw are the service's own resources.
func (s *service) Raw() (string, error) {
	if s.Resources.IsZero() {
		return "", nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	err := encoder.Encode(&s.Resources)
	return "  " + strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "\n  "), err
}

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
	Relay    bool `yaml:"-"` // the stream of the service's table

	Batch   int    // most events of one invocation; default 10
	Rule    string // of EventBridge, which also sends to its queue
	Release string // gradual: a release shifts traffic in steps
	Version string // parameters whose changes publish a new version

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

type event struct {
	From  string
	Types []string
	Name  string `yaml:"id"`
	ID    string `yaml:"-"` // suffix of its logical id
}

type schedule struct{ Every, Input string }

// grant is a statement of the function's policy; Effect is Allow.
type grant struct {
	If        string    `yaml:"If"` // condition of the grant
	Action    yaml.Node `yaml:"Action"`
	Resource  yaml.Node `yaml:"Resource"`
	Condition yaml.Node `yaml:"Condition"`
}

func (f *function) check() error {
	f.Timeout, f.Batch = cmp.Or(f.Timeout, 10), cmp.Or(f.Batch, 10)
	triggers := 0
	for _, is := range []bool{f.HTTP != "", f.Step != "", f.Events != nil, f.Queue, f.Schedule != nil} {
		if is {
			triggers++
		}
	}
	switch {
	case triggers != 1:
		return fmt.Errorf("it has %d of http, step, events, queue and schedule, want one", triggers)
	case !slices.Contains([]string{"", "bearer", "open"}, f.HTTP):
		return fmt.Errorf("http is %q, want bearer or open", f.HTTP)
	case !slices.Contains([]string{"", "fulfil-order", "compensate-order"}, f.Step):
		return fmt.Errorf("unknown state machine %q", f.Step)
	case f.Release != "" && (f.Release != "gradual" || f.HTTP == ""):
		return fmt.Errorf("release is %q, want none, or gradual for a function with http", f.Release)
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
func (f *function) MetricID() string { return strings.ToLower(f.ID()[:1]) + f.ID()[1:] }

// Published reports whether deployments publish a version, for an alias or a state machine.
func (f *function) Published() bool { return f.Release != "" || f.Step == "fulfil-order" }

// HasQueue reports whether a queue invokes it.
func (f *function) HasQueue() bool { return f.Events != nil || f.Queue }

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

// flow writes a value on one line.
func flow(v any) (string, error) {
	var node yaml.Node
	if given, ok := v.(*yaml.Node); ok {
		node = *given
	} else if err := node.Encode(v); err != nil {
		return "", err
	}
	b, err := yaml.Marshal(flat(&node))
	return strings.TrimSpace(string(b)), err
}

// flat returns a node without comments, anchors and line breaks.
func flat(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return flat(n.Alias)
	}
	plain := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style}
	if n.Kind != yaml.ScalarNode {
		plain.Style |= yaml.FlowStyle
	}
	for _, child := range n.Content {
		plain.Content = append(plain.Content, flat(child))
	}
	return plain
}
