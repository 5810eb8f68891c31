package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// definition is the JSON of a machine. Other fields are outside the subset.
type definition struct {
	Comment        string
	QueryLanguage  string
	StartAt        string
	TimeoutSeconds int
	States         map[string]json.RawMessage
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// Placeholders lists the names of a definition's ${Name} placeholders, sorted, each once.
func Placeholders(definition []byte) []string {
	names := map[string]bool{}
	for _, m := range placeholder.FindAllSubmatch(definition, -1) {
		names[string(m[1])] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Parse reads a definition and substitutes every ${Name}. It refuses what is outside the subset and
// what AWS refuses: transitions to unknown states, unreachable states, a wildcard before other
// errors. A missing or unused substitution is an error, too.
func Parse(text []byte, substitutions map[string]string) (*Machine, error) {
	text, err := substitute(text, substitutions)
	if err != nil {
		return nil, fmt.Errorf("asl: %w", err)
	}
	if err := unique(json.NewDecoder(bytes.NewReader(text))); err != nil {
		return nil, fmt.Errorf("asl: %w", err)
	}
	var d definition
	if err := strict(text, &d); err != nil {
		return nil, fmt.Errorf("asl: %w", err)
	}
	if d.QueryLanguage != "JSONata" {
		return nil, fmt.Errorf("asl: the query language %q is not in the subset", d.QueryLanguage)
	}
	if d.TimeoutSeconds < 1 || d.TimeoutSeconds > maxSeconds {
		return nil, fmt.Errorf("asl: a machine needs TimeoutSeconds")
	}
	timeout := seconds(d.TimeoutSeconds)
	m := &Machine{Comment: d.Comment, StartAt: d.StartAt, Timeout: timeout, States: map[string]*State{}}
	for _, name := range slices.Sorted(maps.Keys(d.States)) {
		s, err := parseState(name, d.States[name])
		if err != nil {
			return nil, fmt.Errorf("asl: %s: %w", name, err)
		}
		m.States[name] = s
	}
	if err := m.connected(); err != nil {
		return nil, fmt.Errorf("asl: %w", err)
	}
	return m, nil
}

// substitute replaces placeholders as CloudFormation does.
func substitute(text []byte, substitutions map[string]string) ([]byte, error) {
	want := Placeholders(text)
	for _, name := range want {
		if _, ok := substitutions[name]; !ok {
			return nil, fmt.Errorf("no substitution for ${%s}", name)
		}
	}
	if len(want) != len(substitutions) {
		return nil, fmt.Errorf("the definition uses only %d of %d substitutions", len(want), len(substitutions))
	}
	return placeholder.ReplaceAllFunc(text, func(m []byte) []byte {
		quoted, _ := json.Marshal(substitutions[string(m[2:len(m)-1])]) // a string always encodes
		return quoted[1 : len(quoted)-1]
	}), nil
}

// maxSeconds is AWS's limit for times in a definition.
const maxSeconds = 99999999

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// connected checks that all states exist and are reachable, and that there are no loops: so every
// execution ends, and the search over them, too.
func (m *Machine) connected() error {
	onPath, done := map[string]bool{}, map[string]bool{}
	var visit func(name string) error
	visit = func(name string) error {
		s, ok := m.States[name]
		switch {
		case !ok:
			return fmt.Errorf("the state %q does not exist", name)
		case onPath[name]:
			return fmt.Errorf("the state %s is in a loop, which is not in the subset", name)
		case done[name]:
			return nil
		}
		onPath[name] = true
		for _, next := range s.Successors() {
			if err := visit(next); err != nil {
				return err
			}
		}
		delete(onPath, name)
		done[name] = true
		return nil
	}
	if err := visit(m.StartAt); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		if !done[name] {
			return fmt.Errorf("the state %s is never reached", name)
		}
	}
	return nil
}
