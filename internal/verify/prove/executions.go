package prove

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"orderflow/internal/verify/asl"
)

// The order's id, which names all its executions, and the input of its saga.
const orderID = "01J0000000000000000000000"

const orderInput = `{"orderId":"` + orderID + `","customerId":"c","items":[{"sku":"A","quantity":1}],` +
	`"total":{"currency":"EUR","amount":1},"paymentMethod":"p","traceparent":"",` +
	`"shippingAddress":{"name":"n","line1":"l","city":"c","postalCode":"1","country":"DE"}}`

// Machines are the two state machines to search.
type Machines struct{ Fulfil, Compensate *asl.Machine }

// Load reads the definitions of fulfil-order and compensate-order. It fails if one calls a function
// without a model here.
func Load(fulfil, compensate []byte) (Machines, error) {
	f, err1 := parse(fulfil)
	c, err2 := parse(compensate)
	return Machines{f, c}, errors.Join(err1, err2)
}

func parse(definition []byte) (*asl.Machine, error) {
	function := func(name string) string { return strings.TrimSuffix(name, "Function") }
	m, err := asl.Parse(asl.Substitute(definition, function))
	if err != nil {
		return nil, err
	}
	for _, s := range m.States {
		if s.Type == asl.Task && s.Resource != asl.StatesStart {
			if _, known := functionNamed(s.Target); !known {
				return nil, fmt.Errorf("prove: no model of %s, called by %s: add it to functions", s.Target, s.Name)
			}
		}
	}
	return m, nil
}

// runs holds all execution states found, each once. A State refers to them by number; 0 is none.
type runs struct {
	machines Machines
	all      []*asl.Execution
	numbers  map[string]int32
	answers  map[answer]int32
	tokens   []string // issued so far, by number
	// forgetful: retry counts do not matter, because a run's faults are too few to exhaust them.
	forgetful, plain bool
	// waitAhead: the states of the saga that wait for a token or may lead to one that does.
	waitAhead map[string]bool
}

type answer struct {
	run  int32
	text string
}

func newRuns(m Machines, opts Options) *runs {
	return &runs{
		machines: m, all: []*asl.Execution{nil}, tokens: []string{""},
		numbers: map[string]int32{}, answers: map[answer]int32{},
		forgetful: !opts.Plain && int(opts.Faults) <= m.retries(), plain: opts.Plain,
		waitAhead: waits(m.Fulfil),
	}
}

func waits(m *asl.Machine) map[string]bool {
	ahead := map[string]bool{}
	var visit func(string) bool
	visit = func(name string) bool {
		s := m.States[name]
		does := s.Resource == asl.LambdaInvokeAndWait
		for _, next := range s.Successors() { // there are no loops
			does = visit(next) || does
		}
		ahead[name] = does
		return does
	}
	visit(m.StartAt)
	return ahead
}

// retries returns the smallest positive MaxAttempts of all retriers.
func (m Machines) retries() int {
	least := math.MaxInt
	for _, machine := range []*asl.Machine{m.Fulfil, m.Compensate} {
		for _, s := range machine.States {
			for _, r := range s.Retry {
				if r.MaxAttempts > 0 {
					least = min(least, r.MaxAttempts)
				}
			}
		}
	}
	return least
}

// number finds or adds an execution. Of a finished one, only what recovery reads matters.
func (r *runs) number(x *asl.Execution, kind string) int32 {
	if r.forgetful {
		x.ForgetRetries()
	}
	key := kind + x.Key()
	if end, over := x.Next().(asl.Done); over {
		if key = kind + string(end.Status) + "|" + end.Error; end.Status != asl.Succeeded {
			key += "|" + string(x.Input())
		}
	}
	n, known := r.numbers[key]
	if !known {
		n = int32(len(r.all)) //nolint:gosec // memory ends before
		r.all, r.numbers[key] = append(r.all, x), n
	}
	return n
}

func (r *runs) start(m *asl.Machine, name string, input json.RawMessage) int32 {
	if m == r.machines.Compensate && !r.plain {
		input = withoutReason(m, input)
	}
	return r.number(awake(m.Start(name, input)), r.kind(m))
}

// withoutReason clears the reason in the compensation's input, unless it affects the control flow.
func withoutReason(m *asl.Machine, input json.RawMessage) json.RawMessage {
	var fields map[string]any
	if err := json.Unmarshal(input, &fields); err != nil {
		panic(err) // both callers write JSON
	}
	reads := m.Reads()
	for _, f := range []string{"reason", "failedStep"} {
		if !slices.Contains(reads, f) {
			fields[f] = ""
		}
	}
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err) // it came from JSON
	}
	return b
}

func (r *runs) kind(m *asl.Machine) string {
	if m == r.machines.Fulfil {
		return "f"
	}
	return "c"
}

// after returns the execution after an answer; text identifies the answer.
func (r *runs) after(run int32, text string, give func(*asl.Execution) error) int32 {
	key := answer{run, text}
	if n, known := r.answers[key]; known {
		return n
	}
	x := r.all[run].Clone()
	if err := give(x); err != nil {
		panic(err) // a defect of the search: an unexpected answer
	}
	n := r.number(awake(x), r.kind(x.Machine()))
	r.answers[key] = n
	return n
}

// awake skips waits before retries: their length does not matter, because anything may be late
// anyway.
func awake(x *asl.Execution) *asl.Execution {
	for {
		if _, sleeps := x.Next().(asl.Sleep); !sleeps || x.Wake() != nil {
			return x
		}
	}
}

func (r *runs) succeed(run int32, result string) int32 {
	return r.after(run, "+"+result, func(x *asl.Execution) error { return x.Succeed(json.RawMessage(result)) })
}

func (r *runs) fail(run int32, name string) int32 {
	return r.after(run, "-"+name, func(x *asl.Execution) error { return x.Fail(name, "") })
}

func (r *runs) abort(run int32) int32 {
	return r.after(run, "abort", func(x *asl.Execution) error { return x.Stop(asl.Aborted, "", "") })
}

// giveUp fails a task with an error until its retries are exhausted.
func (r *runs) giveUp(run int32, name string) int32 {
	return r.after(run, "give up by "+name, func(x *asl.Execution) error {
		for state := x.State(); x.State() == state; awake(x) {
			if _, over := x.Next().(asl.Done); over {
				return nil
			}
			if err := x.Fail(name, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// end returns how an execution ended; ok is false while it runs.
func (r *runs) end(run int32) (end asl.Done, ok bool) {
	end, ok = r.all[run].Next().(asl.Done)
	return end, ok
}

// token returns a small number for a task token.
func (r *runs) token(token string) int8 {
	i := slices.Index(r.tokens, token)
	if i < 0 {
		i = len(r.tokens)
		r.tokens = append(r.tokens, token)
	}
	if i > math.MaxInt8 {
		panic("prove: more than 127 task tokens")
	}
	return int8(i) //nolint:gosec // just compared
}
