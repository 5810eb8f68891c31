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

// The order's id, by which all its executions go, and what its saga starts with.
const orderID = "01J0000000000000000000000"

const orderInput = `{"orderId":"` + orderID + `","customerId":"c","items":[{"sku":"A","quantity":1}],"total":{"currency":"EUR","amount":1},` +
	`"paymentMethod":"p","shippingAddress":{"name":"n","line1":"l","city":"c","postalCode":"1","country":"DE"},"traceparent":""}`

// Machines are the two definitions that are searched.
type Machines struct{ Fulfil, Compensate *asl.Machine }

// Load reads the definitions of fulfil-order and compensate-order. It fails if one calls a function that this package has
// no model of.
func Load(fulfil, compensate []byte) (Machines, error) {
	f, err1 := parse(fulfil)
	c, err2 := parse(compensate)
	return Machines{f, c}, errors.Join(err1, err2)
}

func parse(definition []byte) (*asl.Machine, error) {
	substitutions := map[string]string{}
	for _, p := range asl.Placeholders(definition) {
		substitutions[p] = strings.TrimSuffix(p, "Function")
	}
	m, err := asl.Parse(definition, substitutions)
	if err != nil {
		return nil, err
	}
	for _, s := range m.States {
		if s.Type == asl.Task && s.Resource != asl.StatesStart {
			if _, known := functionNamed(s.Target); !known {
				return nil, fmt.Errorf("prove: there is no model of %s, which the state %s calls", s.Target, s.Name)
			}
		}
	}
	return m, nil
}

// runs is all executions that were met, each once; a state holds their numbers. 0 is no execution.
type runs struct {
	machines Machines
	all      []*asl.Execution
	numbers  map[string]int32
	answers  map[answer]int32
	tokens   []string // those given out, by number
	// forgetful: how often a task was retried does not matter, since the faults of a run are too few to use up its retries.
	forgetful, plain bool
	// waitAhead tells of each state of the saga whether it waits for a token or may lead to one that does.
	waitAhead map[string]bool
}

type answer struct {
	run  int32
	text string
}

func newRuns(m Machines, opts Options) *runs {
	return &runs{
		machines: m, all: []*asl.Execution{nil}, numbers: map[string]int32{}, answers: map[answer]int32{}, tokens: []string{""},
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

// retries is the least number of retries of a retrier that retries at all.
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

// number finds or adds an execution. Of one that is over nothing matters any more but what recovery looks at.
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
		n = int32(len(r.all)) //nolint:gosec // so many have no room in memory
		r.all, r.numbers[key] = append(r.all, x), n
	}
	return n
}

func (r *runs) start(m *asl.Machine, name string, input json.RawMessage) int32 {
	if m == r.machines.Compensate && !r.plain {
		input = untold(m, input)
	}
	return r.number(awake(m.Start(name, input)), r.kind(m))
}

// untold takes out of the compensation's input why it was started, unless the machine would go another way for it.
func untold(m *asl.Machine, input json.RawMessage) json.RawMessage {
	var fields map[string]any
	if err := json.Unmarshal(input, &fields); err != nil {
		panic(err) // both who starts it write JSON
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

// after gives the execution that comes of an answer; text tells answers apart.
func (r *runs) after(run int32, text string, give func(*asl.Execution) error) int32 {
	key := answer{run, text}
	if n, known := r.answers[key]; known {
		return n
	}
	x := r.all[run].Clone()
	if err := give(x); err != nil {
		panic(err) // a defect of the search: it answers what was not asked
	}
	n := r.number(awake(x), r.kind(x.Machine()))
	r.answers[key] = n
	return n
}

// awake lets every wait before a retry pass: its length is no matter, since what follows may be late at will.
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

// giveUp fails a task by an error until its retries are used up.
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

// end tells how an execution ended; ok is false while it runs.
func (r *runs) end(run int32) (end asl.Done, ok bool) {
	end, ok = r.all[run].Next().(asl.Done)
	return end, ok
}

// token gives a task token a small number.
func (r *runs) token(token string) int8 {
	i := slices.Index(r.tokens, token)
	if i < 0 {
		i = len(r.tokens)
		r.tokens = append(r.tokens, token)
	}
	if i > math.MaxInt8 {
		panic("prove: more task tokens than there are numbers for")
	}
	return int8(i) //nolint:gosec // just compared
}
