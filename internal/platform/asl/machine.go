package asl

import (
	"maps"
	"slices"
	"time"
)

// Machine is an immutable state machine, safe for concurrent use.
type Machine struct {
	Comment string
	StartAt string
	// Timeout limits an execution. The driver calls Stop(TimedOut, …) when it has passed.
	Timeout time.Duration
	States  map[string]*State
	// Loops are the states to which a later one leads back.
	Loops []string

	host string           // the beginning of task tokens
	now  func() time.Time // may be nil
}

// Hosted returns the machine for an engine that runs several: the task tokens of its executions
// begin with name and a slash, and its states are entered at the time of now. Otherwise they are
// all entered at the same time.
func (m *Machine) Hosted(name string, now func() time.Time) *Machine {
	hosted := *m
	hosted.host, hosted.now = name+"/", now
	return &hosted
}

// Type is the kind of a state.
type Type string

// The states of the subset.
const (
	Task    Type = "Task"
	Choice  Type = "Choice"
	Succeed Type = "Succeed"
	Fail    Type = "Fail"
)

// Resource is what a task does.
type Resource string

// The tasks of the subset.
const (
	LambdaInvoke        Resource = "arn:aws:states:::lambda:invoke"
	LambdaInvokeAndWait Resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
	StatesStart         Resource = "arn:aws:states:::states:startExecution"
	StatesStartAndWait  Resource = "arn:aws:states:::states:startExecution.waitForTaskToken"
	SendTaskSuccess     Resource = "arn:aws:states:::aws-sdk:sfn:sendTaskSuccess"
	SendTaskFailure     Resource = "arn:aws:states:::aws-sdk:sfn:sendTaskFailure"
)

// State is a state of a machine.
type State struct {
	Name    string
	Comment string
	Type    Type
	Next    string // Task; "" at the end

	Resource Resource // Task
	Target   string   // Task: the function, or the ARN of the machine to start
	Timeout  time.Duration
	Retry    []Retrier
	Catch    []Catcher

	Choices []Branch // Choice
	Default string   // Choice

	Error string // Fail
	Cause string // Fail

	arguments map[string]template // Task: all but Target
	output    template            // Task
}

// callback reports whether the task waits for an answer by its token.
func (s *State) callback() bool {
	return s.Resource == LambdaInvokeAndWait || s.Resource == StatesStartAndWait
}

// Retrier says which errors of a task are retried, and when.
type Retrier struct {
	ErrorEquals []string
	Interval    time.Duration
	BackoffRate float64
	MaxAttempts int
	MaxDelay    time.Duration // 0: none
	FullJitter  bool
}

// Catcher says which state follows after some errors.
type Catcher struct {
	ErrorEquals []string
	Next        string
	output      template
}

// Branch is the state that follows a Choice if its condition holds.
type Branch struct {
	Next      string
	condition template
}

// Successors lists the states that may directly follow s, each once.
func (s *State) Successors() []string {
	var next []string
	add := func(name string) {
		if name != "" && !slices.Contains(next, name) {
			next = append(next, name)
		}
	}
	add(s.Next)
	for _, b := range s.Choices {
		add(b.Next)
	}
	add(s.Default)
	for _, c := range s.Catch {
		add(c.Next)
	}
	return next
}

// Reads lists the input fields that can affect the control flow: those that a condition or an
// Output names. Fields that are only passed on, to functions or within the whole input, are not
// included.
func (m *Machine) Reads() []string {
	fields := map[string]bool{}
	for _, s := range m.States {
		maps.Copy(fields, s.output.reads)
		for _, b := range s.Choices {
			maps.Copy(fields, b.condition.reads)
		}
		for _, c := range s.Catch {
			maps.Copy(fields, c.output.reads)
		}
	}
	return slices.Sorted(maps.Keys(fields))
}
