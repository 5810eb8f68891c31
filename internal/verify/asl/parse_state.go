package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

type taskDefinition struct {
	Comment        string
	Type           Type
	Resource       Resource
	Arguments      map[string]any
	Output         any
	TimeoutSeconds int
	Retry          []retryDefinition
	Catch          []catchDefinition
	Next           string
}

type retryDefinition struct {
	Comment         string
	ErrorEquals     []string
	IntervalSeconds *int
	BackoffRate     *float64
	MaxAttempts     *int
	MaxDelaySeconds *int
	JitterStrategy  string
}

type catchDefinition struct {
	Comment     string
	ErrorEquals []string
	Output      any
	Next        string
}

type choiceDefinition struct {
	Comment string
	Type    Type
	Choices []struct{ Condition, Next string }
	Default string
}

func parseState(name string, text json.RawMessage) (*State, error) {
	var kind struct{ Type Type }
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, err
	}
	if name == "" || len([]rune(name)) > 80 {
		return nil, errors.New("the name of a state must have 1 to 80 characters")
	}
	s := &State{Name: name, Type: kind.Type}
	switch kind.Type {
	case Task:
		return s, parseTask(s, text)
	case Choice:
		return s, parseChoice(s, text)
	case Succeed:
		var d struct {
			Comment string
			Type    Type
		}
		err := strict(text, &d)
		s.Comment = d.Comment
		return s, err
	case Fail:
		var d struct {
			Comment, Error, Cause string
			Type                  Type
		}
		err := strict(text, &d)
		s.Comment, s.Error, s.Cause = d.Comment, d.Error, d.Cause
		for _, v := range []string{d.Error, d.Cause} {
			if _, ok := expressionOf(v); ok {
				return nil, errors.New("expressions in a Fail state are not in the subset")
			}
		}
		return s, err
	}
	return nil, fmt.Errorf("the type %q is not in the subset", kind.Type)
}

func parseTask(s *State, text json.RawMessage) error {
	var d taskDefinition
	if err := strict(text, &d); err != nil {
		return err
	}
	if d.TimeoutSeconds < 1 || d.TimeoutSeconds > maxSeconds {
		return errors.New("a task needs TimeoutSeconds")
	}
	s.Comment, s.Next, s.Resource, s.Timeout = d.Comment, d.Next, d.Resource, seconds(d.TimeoutSeconds)
	if s.Next == "" {
		return errors.New("a task needs Next")
	}
	if err := s.arguments(d.Arguments); err != nil {
		return err
	}
	var err error
	if s.output, err = parseTemplate("Output", d.Output, inOutput); err != nil {
		return err
	}
	if d.Output == nil {
		return errors.New("a task without Output is not in the subset")
	}
	var lists [][]string
	for _, r := range d.Retry {
		retrier, err := r.parse()
		if err != nil {
			return fmt.Errorf("in Retry: %w", err)
		}
		s.Retry, lists = append(s.Retry, retrier), append(lists, r.ErrorEquals)
	}
	if err := errorLists(lists); err != nil {
		return fmt.Errorf("in Retry: %w", err)
	}
	lists = nil
	for _, c := range d.Catch {
		if c.Output == nil {
			return errors.New("a catcher without Output is not in the subset")
		}
		output, err := parseTemplate("Catch/Output", c.Output, inCatch)
		if err != nil {
			return err
		}
		s.Catch, lists = append(s.Catch, Catcher{c.ErrorEquals, c.Next, output}), append(lists, c.ErrorEquals)
		if c.Next == "" {
			return errors.New("a catcher needs Next")
		}
	}
	if err := errorLists(lists); err != nil {
		return fmt.Errorf("in Catch: %w", err)
	}
	return nil
}

// arguments reads the arguments of the task's resource. All are required, others refused.
func (s *State) arguments(args map[string]any) error {
	want := map[Resource][]string{
		LambdaInvoke:        {"FunctionName", "Payload"},
		LambdaInvokeAndWait: {"FunctionName", "Payload"},
		StatesStart:         {"StateMachineArn", "Input", "Name"},
	}[s.Resource]
	if want == nil {
		return fmt.Errorf("the resource %q is not in the subset", s.Resource)
	}
	for _, a := range want {
		if _, ok := args[a]; !ok {
			return fmt.Errorf("missing argument %s", a)
		}
	}
	if len(args) != len(want) {
		return fmt.Errorf("only the Arguments %v are in the subset", want)
	}
	target, ok := args[want[0]].(string)
	if _, expr := expressionOf(target); !ok || expr || target == "" {
		return fmt.Errorf("the argument %s must be a plain string", want[0])
	}
	s.Target = target
	var err error
	if s.argument, err = parseTemplate("Arguments/"+want[1], args[want[1]], inArguments); err != nil {
		return err
	}
	if len(want) > 2 {
		s.name, err = parseTemplate("Arguments/"+want[2], args[want[2]], inArguments)
	}
	return err
}

func (d retryDefinition) parse() (Retrier, error) {
	r := Retrier{ErrorEquals: d.ErrorEquals, Interval: seconds(1), BackoffRate: 2, MaxAttempts: 3}
	if d.IntervalSeconds != nil {
		if *d.IntervalSeconds < 1 || *d.IntervalSeconds > maxSeconds {
			return r, errors.New("IntervalSeconds must be positive")
		}
		r.Interval = seconds(*d.IntervalSeconds)
	}
	if d.BackoffRate != nil {
		if r.BackoffRate = *d.BackoffRate; r.BackoffRate < 1 || math.IsInf(r.BackoffRate, 0) {
			return r, errors.New("BackoffRate must be at least 1")
		}
	}
	if d.MaxAttempts != nil {
		if r.MaxAttempts = *d.MaxAttempts; r.MaxAttempts < 0 || r.MaxAttempts > maxSeconds {
			return r, errors.New("MaxAttempts must not be negative")
		}
	}
	if d.MaxDelaySeconds != nil {
		if *d.MaxDelaySeconds < 1 || *d.MaxDelaySeconds > 31622400 || seconds(*d.MaxDelaySeconds) <= r.Interval {
			return r, errors.New("MaxDelaySeconds must be more than IntervalSeconds and at most 31622400")
		}
		r.MaxDelay = seconds(*d.MaxDelaySeconds)
	}
	switch d.JitterStrategy {
	case "", "NONE":
	case "FULL":
		r.FullJitter = true
	default:
		return r, fmt.Errorf("unknown JitterStrategy %q", d.JitterStrategy)
	}
	return r, nil
}

// errorLists checks that States.ALL is alone, in the last list.
func errorLists(lists [][]string) error {
	for i, l := range lists {
		if len(l) == 0 || slices.Contains(l, "") {
			return errors.New("ErrorEquals must not be empty")
		}
		if slices.Contains(l, ErrAll) && (len(l) > 1 || i < len(lists)-1) {
			return errors.New("States.ALL must be alone and last")
		}
	}
	return nil
}

func parseChoice(s *State, text json.RawMessage) error {
	var d choiceDefinition
	if err := strict(text, &d); err != nil {
		return err
	}
	s.Comment, s.Default = d.Comment, d.Default
	if len(d.Choices) == 0 {
		return errors.New("a Choice needs Choices")
	}
	for _, c := range d.Choices {
		if _, ok := expressionOf(c.Condition); !ok || c.Next == "" {
			return errors.New("a choice needs Next and an expression as Condition")
		}
		condition, err := parseTemplate("Condition", c.Condition, inArguments)
		if err != nil {
			return err
		}
		s.Choices = append(s.Choices, Branch{c.Next, condition})
	}
	return nil
}
