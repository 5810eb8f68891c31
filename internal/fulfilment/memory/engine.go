// Package memory is fulfilment's engine in memory. It does not run state machines, but records
// calls.
package memory

import (
	"context"
	"encoding/json"
	"sync"

	"orderflow/internal/fulfilment"
)

// Engine implements fulfilment.Engine. Use New.
type Engine struct {
	mu       sync.Mutex
	started  map[string]fulfilment.Execution
	waiting  map[string]bool
	answers  map[string]string
	failWith error
}

// New returns an engine in which tasks wait with these tokens.
func New(tokens ...string) *Engine {
	e := &Engine{started: map[string]fulfilment.Execution{}, waiting: map[string]bool{}, answers: map[string]string{}}
	for _, t := range tokens {
		e.waiting[t] = true
	}
	return e
}

// FailWith makes every call fail with err until it is called with nil.
func (e *Engine) FailWith(err error) { e.failWith = err }

// Start records an execution.
func (e *Engine) Start(_ context.Context, machine fulfilment.Machine, name string, input json.RawMessage) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failWith != nil {
		return e.failWith
	}
	key := string(machine) + "/" + name
	if _, ok := e.started[key]; ok {
		return fulfilment.ErrExists
	}
	e.started[key] = fulfilment.Execution{Status: fulfilment.Running, Input: input}
	return nil
}

// Input returns an execution's input.
func (e *Engine) Input(ctx context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	x, err := e.Execution(ctx, machine, name)
	return x.Input, err
}

// Execution returns an execution.
func (e *Engine) Execution(_ context.Context, machine fulfilment.Machine, name string) (fulfilment.Execution, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.failWith != nil {
		return fulfilment.Execution{}, e.failWith
	}
	x, ok := e.started[string(machine)+"/"+name]
	if !ok {
		return fulfilment.Execution{}, fulfilment.ErrNoExecution
	}
	return x, nil
}

// End ends a running execution and reports whether there was one. errorName is that of a failed
// one.
func (e *Engine) End(machine fulfilment.Machine, name string, status fulfilment.Status, errorName string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	key := string(machine) + "/" + name
	x, ok := e.started[key]
	if !ok || x.Status != fulfilment.Running {
		return false
	}
	x.Status, x.Error = status, errorName
	e.started[key] = x
	return true
}

// Succeed ends a waiting task.
func (e *Engine) Succeed(_ context.Context, token string, output json.RawMessage) error {
	return e.endTask(token, "succeeded "+string(output))
}

// Fail ends a waiting task.
func (e *Engine) Fail(_ context.Context, token, errorName, _ string) error {
	return e.endTask(token, "failed "+errorName)
}

func (e *Engine) endTask(token, outcome string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.failWith != nil:
		return e.failWith
	case !e.waiting[token]:
		return fulfilment.ErrStaleToken
	}
	delete(e.waiting, token)
	e.answers[token] = outcome
	return nil
}

// Executions returns the number of executions started.
func (e *Engine) Executions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.started)
}

// Answer returns how the task with a token ended, such as "failed ShipmentRefused"; "" if it did
// not.
func (e *Engine) Answer(token string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answers[token]
}
