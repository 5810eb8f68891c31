package asl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"time"
)

// The fields that a definition may contain. Others are outside the subset.
type (
	machineDefinition struct {
		Comment, QueryLanguage, StartAt string
		TimeoutSeconds                  int
		States                          map[string]stateDefinition
	}
	stateDefinition struct { // of every type; see fields
		Comment, Next, Default, Error, Cause string
		Type                                 Type
		Resource                             Resource
		Arguments                            map[string]any
		Output                               any
		TimeoutSeconds                       int
		End                                  bool
		Retry                                []retryDefinition
		Catch                                []catchDefinition
		Choices                              []struct{ Condition, Next string }
	}
	retryDefinition struct {
		Comment                                       string
		ErrorEquals                                   []string
		IntervalSeconds, MaxAttempts, MaxDelaySeconds *int
		BackoffRate                                   *float64
		JitterStrategy                                string
	}
	catchDefinition struct {
		Comment     string
		ErrorEquals []string
		Output      any
		Next        string
	}
)

// fields are the fields of each type of state, besides Type and Comment.
var fields = map[Type][]string{
	Task:    {"Resource", "Arguments", "Output", "TimeoutSeconds", "Retry", "Catch", "Next", "End"},
	Choice:  {"Choices", "Default"},
	Succeed: {},
	Fail:    {"Error", "Cause"},
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// Substitute replaces every ${Name} of a definition by its value, as CloudFormation does.
func Substitute(text []byte, value func(name string) string) []byte {
	return placeholder.ReplaceAllFunc(text, func(m []byte) []byte {
		quoted, _ := json.Marshal(value(string(m[2 : len(m)-1]))) // a string always encodes
		return quoted[1 : len(quoted)-1]
	})
}

// Parse reads a definition whose placeholders are substituted. It refuses what is outside the
// subset and what AWS refuses: transitions to unknown states, unreachable states, a wildcard before
// other errors.
func Parse(text []byte) (*Machine, error) {
	m, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("asl: %w", err)
	}
	return m, nil
}

func parse(text []byte) (*Machine, error) {
	if p := placeholder.Find(text); p != nil {
		return nil, fmt.Errorf("no substitution for %s", p)
	}
	var d machineDefinition
	var given struct{ States map[string]map[string]any }
	if err := errors.Join(strict(text, &d), json.Unmarshal(text, &given)); err != nil {
		return nil, err
	}
	if d.QueryLanguage != "JSONata" {
		return nil, fmt.Errorf("the query language %q is not in the subset", d.QueryLanguage)
	}
	timeout, err := seconds("TimeoutSeconds", d.TimeoutSeconds)
	m := &Machine{Comment: d.Comment, StartAt: d.StartAt, Timeout: timeout, States: map[string]*State{}}
	for _, name := range slices.Sorted(maps.Keys(d.States)) {
		s, bad := parseState(name, d.States[name], given.States[name])
		if bad != nil {
			return nil, fmt.Errorf("%s: %w", name, bad)
		}
		m.States[name] = s
	}
	return m, errors.Join(err, m.connected())
}

// strict decodes exactly one value. Unlike encoding/json, and like AWS, it refuses unknown fields
// and duplicate keys and is case-sensitive.
func strict(text []byte, into any) error {
	if err := json.Unmarshal(text, into); err != nil {
		return err
	}
	return known(json.NewDecoder(bytes.NewReader(text)), reflect.TypeOf(into).Elem())
}

// known reads a value and checks that its keys are different, and fields if t is a struct.
func known(d *json.Decoder, t reflect.Type) error {
	begin, err := d.Token()
	if err != nil || begin != json.Delim('{') && begin != json.Delim('[') {
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		of := t
		if t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			of = t.Elem()
		}
		if begin == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			f, field := reflect.StructField{}, true
			if t.Kind() == reflect.Struct {
				f, field = t.FieldByName(name)
				of = f.Type
			}
			if !field || seen[name] {
				return fmt.Errorf("the field %q is duplicate or not in the subset", name)
			}
			seen[name] = true
		}
		if err := known(d, of); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// maxSeconds is AWS's limit for times in a definition.
const maxSeconds = 99999999

func seconds(field string, n int) (time.Duration, error) {
	if n < 1 || n > maxSeconds {
		return 0, fmt.Errorf("%s is missing or not between 1 and %d", field, maxSeconds)
	}
	return time.Duration(n) * time.Second, nil
}

// connected checks that all states exist and are reachable, and that only a condition of a Choice
// leads back to a state before it.
func (m *Machine) connected() error {
	onPath, done := map[string]bool{}, map[string]bool{}
	var visit func(name string, onCondition bool) error
	visit = func(name string, onCondition bool) error {
		s, ok := m.States[name]
		switch {
		case !ok:
			return fmt.Errorf("the state %q does not exist", name)
		case onPath[name] && onCondition:
			m.Loops = append(m.Loops, name)
			return nil
		case onPath[name]:
			return fmt.Errorf("the state %s is in a loop, which is not in the subset", name)
		case done[name]:
			return nil
		}
		onPath[name] = true
		for _, next := range s.Successors() {
			conditional := slices.ContainsFunc(s.Choices, func(b Branch) bool { return b.Next == next }) &&
				next != s.Default
			if err := visit(next, conditional); err != nil {
				return err
			}
		}
		delete(onPath, name)
		done[name] = true
		return nil
	}
	if err := visit(m.StartAt, false); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		switch {
		case !done[name]:
			return fmt.Errorf("the state %s is never reached", name)
		case m.States[name].callback() && len(m.Loops) > 0:
			return fmt.Errorf("the state %s waits for a token in a machine with loops: not in the subset", name)
		}
	}
	return nil
}

func parseState(name string, d stateDefinition, given map[string]any) (*State, error) {
	allowed, known := fields[d.Type]
	for field := range given {
		if !known || field != "Type" && field != "Comment" && !slices.Contains(allowed, field) {
			return nil, fmt.Errorf("%s of a state of type %q is not in the subset", field, d.Type)
		}
	}
	if name == "" || len([]rune(name)) > 80 {
		return nil, errors.New("the name of a state must have 1 to 80 characters")
	}
	s := &State{
		Name: name, Comment: d.Comment, Type: d.Type, Next: d.Next, Resource: d.Resource, Default: d.Default,
		Error: d.Error, Cause: d.Cause,
	}
	switch s.Type {
	case Task:
		return s, s.parseTask(d)
	case Choice:
		return s, s.parseChoices(d)
	}
	for _, v := range []string{d.Error, d.Cause} {
		if _, ok := expressionOf(v); ok {
			return nil, errors.New("expressions in a Fail state are not in the subset")
		}
	}
	return s, nil
}

func (s *State) parseTask(d stateDefinition) (err error) {
	if s.Timeout, err = seconds("TimeoutSeconds", d.TimeoutSeconds); err != nil {
		return err
	}
	if (s.Next == "") != d.End || d.Output == nil {
		return errors.New("a task must have Output, and either Next or End")
	}
	if err := s.parseArguments(d.Arguments); err != nil {
		return err
	}
	if s.output, err = newTemplate("Output", d.Output, "input", "context", "result"); err != nil {
		return err
	}
	for i, r := range d.Retry {
		retrier, err := r.parse()
		if err = errors.Join(err, errorList(r.ErrorEquals, i == len(d.Retry)-1)); err != nil {
			return fmt.Errorf("in Retry: %w", err)
		}
		s.Retry = append(s.Retry, retrier)
	}
	for i, c := range d.Catch {
		output, err := newTemplate("Catch/Output", c.Output, "input", "context", "errorOutput")
		if c.Output == nil || c.Next == "" {
			err = errors.New("a catcher without Next or Output is not in the subset")
		}
		if err = errors.Join(err, errorList(c.ErrorEquals, i == len(d.Catch)-1)); err != nil {
			return fmt.Errorf("in Catch: %w", err)
		}
		s.Catch = append(s.Catch, Catcher{c.ErrorEquals, c.Next, output})
	}
	return nil
}

// resources lists the arguments of each task. The target, if any, comes first.
var resources = map[Resource]struct {
	target    bool
	arguments []string
}{
	LambdaInvoke:        {true, []string{"FunctionName", "Payload"}},
	LambdaInvokeAndWait: {true, []string{"FunctionName", "Payload"}},
	StatesStart:         {true, []string{"StateMachineArn", "Input", "Name"}},
	StatesStartAndWait:  {true, []string{"StateMachineArn", "Input", "Name"}},
	SendTaskSuccess:     {false, []string{"TaskToken", "Output"}},
	SendTaskFailure:     {false, []string{"TaskToken", "Error", "Cause"}},
}

// parseArguments reads the arguments of the task's resource. All are required, others refused.
func (s *State) parseArguments(args map[string]any) (err error) {
	resource, ok := resources[s.Resource]
	if !ok {
		return fmt.Errorf("the resource %q is not in the subset", s.Resource)
	}
	want := resource.arguments
	for _, a := range want {
		if _, ok := args[a]; !ok || len(args) != len(want) {
			return fmt.Errorf("the Arguments must be exactly %v", want)
		}
	}
	if resource.target {
		s.Target, _ = args[want[0]].(string)
		if _, expr := expressionOf(s.Target); expr || s.Target == "" {
			return fmt.Errorf("the argument %s must be a plain string", want[0])
		}
		want = want[1:]
	}
	s.arguments = map[string]template{}
	for _, a := range want {
		if s.arguments[a], err = newTemplate("Arguments/"+a, args[a], "input", "context"); err != nil {
			return err
		}
	}
	return nil
}

func (d retryDefinition) parse() (Retrier, error) {
	or := func(given *int, standard int) int {
		if given != nil {
			return *given
		}
		return standard
	}
	interval, err := seconds("IntervalSeconds", or(d.IntervalSeconds, 1))
	r := Retrier{ErrorEquals: d.ErrorEquals, Interval: interval, BackoffRate: 2, MaxAttempts: or(d.MaxAttempts, 3)}
	if d.BackoffRate != nil {
		r.BackoffRate = *d.BackoffRate
	}
	if d.MaxDelaySeconds != nil {
		r.MaxDelay = time.Duration(*d.MaxDelaySeconds) * time.Second
	}
	r.FullJitter = d.JitterStrategy == "FULL"
	switch {
	case err != nil:
		return r, err
	case r.BackoffRate < 1 || math.IsInf(r.BackoffRate, 0):
		return r, errors.New("BackoffRate must be at least 1")
	case r.MaxAttempts < 0 || r.MaxAttempts > maxSeconds:
		return r, errors.New("MaxAttempts must not be negative")
	case d.MaxDelaySeconds != nil && (*d.MaxDelaySeconds > 31622400 || r.MaxDelay <= r.Interval):
		return r, errors.New("MaxDelaySeconds must be more than IntervalSeconds and at most 31622400")
	case !r.FullJitter && d.JitterStrategy != "":
		return r, fmt.Errorf("the JitterStrategy %q is not in the subset", d.JitterStrategy)
	}
	return r, nil
}

// errorList checks the ErrorEquals of a retrier or catcher.
func errorList(names []string, last bool) error {
	if len(names) == 0 || slices.Contains(names, "") {
		return errors.New("ErrorEquals must not be empty")
	}
	if slices.Contains(names, ErrAll) && (len(names) > 1 || !last) {
		return errors.New("States.ALL must be alone and last")
	}
	return nil
}

func (s *State) parseChoices(d stateDefinition) error {
	if len(d.Choices) == 0 {
		return errors.New("a Choice needs Choices")
	}
	for _, c := range d.Choices {
		if _, ok := expressionOf(c.Condition); !ok || c.Next == "" {
			return errors.New("a choice needs Next and an expression as Condition")
		}
		condition, err := newTemplate("Condition", c.Condition, "input", "context")
		if err != nil {
			return err
		}
		s.Choices = append(s.Choices, Branch{c.Next, condition})
	}
	return nil
}
