// Package memory is fulfilment's engine in memory: it remembers what was asked of it.
package memory

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"orderflow/internal/fulfilment"
)

// Engine implements fulfilment.Engine. Its zero value is not ready; use New.
type Engine struct {
	mu       sync.Mutex
	started  map[string]json.RawMessage
	waiting  map[string]bool
	answers  map[string]string
	failWith error
}

// New returns an engine in which tasks wait by the given tokens.
func New(tokens ...string) *Engine {
	e := &Engine{started: map[string]json.RawMessage{}, waiting: map[string]bool{}, answers: map[string]string{}}
	for _, t := range tokens {
		e.waiting[t] = true
	}
	return e
}

// FailWith makes every call fail with err; nil ends that.
func (e *Engine) FailWith(err error) { e.failWith = err }

// Start remembers the execution.
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
	e.started[key] = input
	return nil
}

// Input returns an execution's input.
func (e *Engine) Input(_ context.Context, machine fulfilment.Machine, name string) (json.RawMessage, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	input, ok := e.started[string(machine)+"/"+name]
	if !ok {
		return nil, fmt.Errorf("no execution %s of %s", name, machine)
	}
	return input, nil
}

// Succeed answers a waiting task.
func (e *Engine) Succeed(_ context.Context, token string, output json.RawMessage) error {
	return e.answer(token, "succeeded "+string(output))
}

// Fail ends a waiting task.
func (e *Engine) Fail(_ context.Context, token, errorName, _ string) error {
	return e.answer(token, "failed "+errorName)
}

func (e *Engine) answer(token, how string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.failWith != nil:
		return e.failWith
	case !e.waiting[token]:
		return fulfilment.ErrStaleToken
	}
	delete(e.waiting, token)
	e.answers[token] = how
	return nil
}

// Executions returns how many executions were started.
func (e *Engine) Executions() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.started)
}

// Answer tells how the task of token was answered; "" if it was not.
func (e *Engine) Answer(token string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.answers[token]
}
