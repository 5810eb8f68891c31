package asl

import (
	"encoding/json"
	"fmt"
	"time"
)

// Position is the state of an execution. Its future depends only on it, its name and its input.
type Position struct {
	State   string          `json:"state"`
	Entered time.Time       `json:"entered"`
	Input   json.RawMessage `json:"input"`             // of the state
	Retried []int           `json:"retried,omitempty"` // how often each retrier was used
	Attempt int             `json:"attempt,omitempty"` // earlier attempts of the state
	// MinWait and MaxWait are the bounds of the wait before the next attempt, if it sleeps.
	MinWait time.Duration `json:"minWait,omitempty"`
	MaxWait time.Duration `json:"maxWait,omitempty"`
}

// Position returns where the execution is.
func (x *Execution) Position() Position {
	p := Position{
		State: x.state.Name, Entered: x.entered, Input: x.raw, Retried: append([]int(nil), x.retried...),
		Attempt: x.attempt,
	}
	if s, sleeps := x.effect.(Sleep); sleeps {
		p.MinWait, p.MaxWait = s.Min, s.Max
	}
	return p
}

// Resume returns an execution at a position, with the effect for which it waited there. It fails if
// the machine has changed and no longer has the state. The retriers' counts are kept if the state
// still has the same number of retriers.
func (m *Machine) Resume(name string, input json.RawMessage, p Position) (*Execution, error) {
	state := m.States[p.State]
	if state == nil || state.Type != Task {
		return nil, fmt.Errorf("asl: the machine no longer has the task %s", p.State)
	}
	given, err := decode(p.Input)
	if err != nil {
		return nil, fmt.Errorf("asl: the input of %s: %w", p.State, err)
	}
	x := &Execution{
		machine: m, name: name, given: input, state: state, entered: p.Entered, input: given, raw: p.Input,
		retried: make([]int, len(state.Retry)), attempt: p.Attempt, trace: []Entry{{p.State, p.Input}},
	}
	if len(p.Retried) == len(x.retried) {
		copy(x.retried, p.Retried)
	}
	if p.MaxWait > 0 {
		x.effect = Sleep{State: p.State, Attempt: p.Attempt + 1, Min: p.MinWait, Max: p.MaxWait}
		return x, nil
	}
	x.try()
	return x, nil
}
