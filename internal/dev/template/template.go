// Package template generates template.yaml and stacks/<service>/template.yaml from deploy/:
// differences between services are in deploy/<service>.yaml, common parts in deploy/*.tmpl.
package template

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v3"

	"orderflow/internal/platform/casing"
	"orderflow/internal/platform/cfn"
)

// perAlarm is the maximum number of metrics of an alarm.
const perAlarm = 10

// tableActions are what a function may do with its service's table.
var tableActions = []string{
	"GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem",
}

// Write returns the templates generated from dir, which is deploy/, by their paths: template.yaml,
// the core's, and one for each service with a stack of its own.
func Write(dir fs.FS) (map[string][]byte, error) {
	stacks, err := read(dir)
	if err != nil {
		return nil, err
	}
	templates := map[string][]byte{}
	for _, s := range stacks {
		text, err := s.write(dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Path(), err)
		}
		templates[s.Path()] = text
	}
	return templates, nil
}

func (s *stack) write(dir fs.FS) ([]byte, error) {
	shapes, err := template.New("shapes").Option("missingkey=error").Funcs(template.FuncMap{
		"id": casing.Camel, "flow": flow, "list": func(all ...any) []any { return all },
		"dashes": func(after string) string { return strings.Repeat("-", 90-len(after)) },
		"root":   s.root,
	}).ParseFS(dir, "*.tmpl")
	if err != nil {
		return nil, err
	}
	main := "template.tmpl"
	if s.Own != nil {
		main = "stack.tmpl"
	}
	var out bytes.Buffer
	if err := shapes.ExecuteTemplate(&out, main, s); err != nil {
		return nil, err
	}
	text := s.outside(out.String())
	if _, err := cfn.Parse([]byte(text)); err != nil {
		return nil, fmt.Errorf("what is generated from deploy/ is not YAML: %w", err)
	}
	return []byte(text), nil
}

// Generate writes the templates of the repository at root.
func Generate(root string) error {
	templates, err := Write(os.DirFS(filepath.Join(root, "deploy")))
	if err != nil {
		return err
	}
	for name, text := range templates {
		file := filepath.Join(root, name)
		err = errors.Join(err, os.MkdirAll(filepath.Dir(file), 0o755), //nolint:gosec // G301: others may read it
			os.WriteFile(file, text, 0o644)) //nolint:gosec // G306: likewise
	}
	return err
}

// Check fails if a template of the repository at root differs from its deploy/.
func Check(root string) error {
	templates, err := Write(os.DirFS(filepath.Join(root, "deploy")))
	if err != nil {
		return err
	}
	for name, want := range templates {
		got, err := os.ReadFile(filepath.Join(root, name)) //nolint:gosec // G304: of the repository
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s is not what deploy/ describes: run `go run ./cmd/dev generate`", name)
		}
	}
	return nil
}

// ServiceOf returns the service of each function in dir, which is deploy/.
func ServiceOf(dir fs.FS) (map[string]string, error) {
	stacks, err := read(dir)
	if err != nil {
		return nil, err
	}
	of := map[string]string{}
	for _, s := range stacks {
		for _, service := range s.Services {
			for _, f := range service.Functions {
				of[f.Name] = service.Name
			}
		}
	}
	return of, nil
}

// read returns the core's stack, and then those of single services.
func read(dir fs.FS) ([]*stack, error) {
	files, err := fs.Glob(dir, "*.yaml")
	if err != nil {
		return nil, err
	}
	core := &stack{}
	stacks := []*stack{core}
	for _, file := range files {
		read, err := readService(dir, file)
		if err != nil {
			return nil, fmt.Errorf("deploy/%s: %w", file, err)
		}
		if read.Stack != nil {
			stacks = append(stacks, &stack{Services: []*service{read}, Own: read.Stack})
		} else {
			core.Services = append(core.Services, read)
		}
	}
	for _, s := range stacks {
		for _, service := range core.Services {
			s.core = append(s.core, service.Name)
		}
	}
	return stacks, nil
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
	if s.Stack != nil && (brokers[s.Stack.Broker].parameter == "" || s.Address) {
		return nil, errors.New("a stack of its own has a broker, kafka or rabbitmq, and no address")
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

type service struct {
	Name  string `yaml:"-"`
	Table *struct {
		Indexes []struct{ Name, Projection string }
	}
	Stack     *own // if it has a stack of its own
	Publishes bool // publishes events: the table has an outbox, a stream, a relay and a topic
	Address   bool // other services look it up
	Functions []*function
	Resources yaml.Node // the service's own resources, as in a template
}

// broker is the broker of its stack; "" for the core.
func (s *service) broker() string {
	if s.Stack == nil {
		return ""
	}
	return s.Stack.Broker
}

// saga are the state machines whose functions are released together, by their definitions.
var saga = []string{"fulfil-order", "prepare-order", "settle-order"}

// machines are the state machines of its stack.
func (s *service) machines() []string {
	if s.Stack == nil {
		return slices.Concat(saga, []string{"compensate-order", "undo-order"})
	}
	return s.Stack.Machines
}

func (s *service) ID() string { return casing.Camel(s.Name) }

// Raw are the service's own resources.
func (s *service) Raw() (string, error) { return section(&s.Resources) }

// section writes entries of a section of the template as they are in deploy/.
func section(entries *yaml.Node) (string, error) {
	if entries.IsZero() {
		return "", nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	block := *entries
	block.Style = 0
	err := encoder.Encode(&block)
	return "  " + strings.ReplaceAll(strings.TrimSpace(out.String()), "\n", "\n  "), err
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
