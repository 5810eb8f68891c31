package differential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"orderflow/internal/host/front"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/dynamo"
	"orderflow/internal/platform/workflow/memory"
	"orderflow/internal/verify/tables"
)

// The engine of package workflow goes through the states of the interpreter alone, with the same
// calls: in one process, and in processes of which each dies as soon as it has written a
// transition; with either journal.
func TestTheEngineDoesWhatTheInterpreterDoes(t *testing.T) {
	for _, c := range cases(t, 24) {
		if slices.Contains(children, c.Machine) {
			continue // no journal has it
		}
		for _, way := range []struct {
			name          string
			mortal, table bool
			journal       func() workflow.Journal
		}{
			{"immortal", false, false, inMemory}, {"mortal", true, false, inMemory},
			{"mortal, with a table", true, true, inTable},
		} {
			if way.table && !strings.HasPrefix(c.Name, "random-") {
				continue // they suffice, and take five times as long as in memory
			}
			t.Run(c.Name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				want := interpret(t, c)
				want.States = slices.DeleteFunc(want.States, func(s string) bool {
					return strings.Contains(strings.Fields(s)[0], "/") // a child's
				})
				for i, s := range want.States {
					want.States[i] = strings.Fields(s)[0]
				}
				got := execute(t, c, way.mortal, way.journal)
				for _, r := range []*run{&want, &got} { // a process that died may have called twice
					slices.Sort(r.Calls)
					if way.mortal {
						r.Calls = slices.Compact(r.Calls)
					}
				}
				if diff := cmp.Diff(got, want); diff != "" {
					t.Errorf("- engine, + interpreter\n%s", diff)
				}
			})
		}
	}
}

// executed is a case in the engine.
type executed struct {
	scripted
	journal workflow.Journal
	process atomic.Pointer[process]

	mu      sync.Mutex
	calls   []string
	answers map[string]scriptedAnswer // given, by function, state and attempt
	given   map[string]int            // by function
}

// process is an engine that no longer does anything when it is dead.
type process struct {
	*workflow.Engine
	dead atomic.Bool
}

var errDead = errors.New("the process is dead")

// lastWords is the journal of a process that dies after it has written a transition, but not after
// it has taken an execution over.
type lastWords struct {
	workflow.Journal
	of *process
}

// Save is part of workflow.Journal.
func (j lastWords) Save(ctx context.Context, x workflow.Execution) error {
	if j.of.dead.Load() {
		return errDead
	}
	before, _ := j.Execution(ctx, x.Machine, x.Name)
	err := j.Journal.Save(ctx, x)
	if err == nil && len(x.History) > len(before.History) {
		j.of.dead.Store(true)
		return errDead
	}
	return err
}

// idle is a machine that waits for ever.
const idle = `{"QueryLanguage":"JSONata","StartAt":"A","TimeoutSeconds":9999,"States":{"A":{"Type":"Task",
	"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","Arguments":{"FunctionName":"Idle","Payload":{}},
	"Output":{},"TimeoutSeconds":9999,"End":true}}}`

func inMemory() workflow.Journal { return memory.New(100) }

// inTable returns the journal of a table without a network.
func inTable() workflow.Journal {
	server := tables.New(tables.Schema{Name: "process", PK: "pk", SK: "sk", Indexes: []tables.Schema{
		{Name: ddb.OpenIndex, PK: ddb.OpenIndex + "Pk", SK: ddb.OpenIndex + "Sk", KeysOnly: true},
	}})
	return dynamo.Journal{Table: ddb.Open(aws.Config{
		Region: "eu-central-1", HTTPClient: &http.Client{Transport: front.Inside{
			"dynamodb.eu-central-1.amazonaws.com": server,
		}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, "process", clock.System{})}
}

func execute(t *testing.T, c scripted, mortal bool, journal func() workflow.Journal) (result run) {
	synctest.Test(t, func(t *testing.T) {
		e := &executed{
			scripted: c, journal: journal(), answers: map[string]scriptedAnswer{}, given: map[string]int{},
		}
		machines := map[string]workflow.Machine{}
		for _, name := range append([]string{"fulfil-order", "compensate-order"}, children...) {
			machines[name] = workflow.Machine{Definition: parse(t, name), Express: slices.Contains(children, name)}
		}
		if c.Machine == "fulfil-order" { // the compensation that it starts is another case
			m, err := asl.Parse([]byte(idle))
			if err != nil {
				t.Fatal(err)
			}
			machines["compensate-order"] = workflow.Machine{Definition: m}
		}
		e.begin(t, machines, false)
		if c.Compensated {
			if err := e.process.Load().Start(t.Context(), "compensate-order", c.Name, json.RawMessage(`{}`)); err != nil {
				t.Fatal(err)
			}
		}
		if mortal {
			e.process.Load().dead.Store(true)
			e.begin(t, machines, true)
		}
		// the first process may die of it, after it was written
		_ = e.process.Load().Start(t.Context(), c.Machine, c.Name, json.RawMessage(c.Input))
		var x workflow.Execution
		for range 3600 {
			time.Sleep(time.Second)
			if x, _ = e.journal.Execution(t.Context(), c.Machine, c.Name); !x.Open() {
				break
			}
			if p := e.process.Load(); p.dead.Load() {
				e.begin(t, machines, true)
			} else if _, err := p.Lead(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		result = run{Status: string(x.Status), Error: x.Error, Calls: e.calls}
		if x.Status == asl.Succeeded {
			result.Output = comparable(t, string(x.Output))
		}
		for _, event := range x.History {
			if strings.HasSuffix(event.Kind, "StateEntered") {
				result.States = append(result.States, event.State)
			}
		}
		time.Sleep(time.Minute) // until every call has returned
	})
	return result
}

// begin starts a process and waits until it drives.
func (e *executed) begin(t *testing.T, machines map[string]workflow.Machine, mortal bool) {
	p := &process{}
	journal := e.journal
	if mortal {
		journal = lastWords{e.journal, p}
	}
	p.Engine = workflow.New(workflow.Options{
		Machines: machines, Journal: journal, Owner: fmt.Sprintf("%p", p),
		Call: func(_ context.Context, function string, payload json.RawMessage, reply func([]byte, error)) {
			if a, answered := e.answer(t, p, function, payload); answered {
				go func() {
					if a.Error != "" {
						reply(nil, messages.InvokeResponse_Error{Type: a.Error, Message: "scripted"})
						return
					}
					reply(a.Result, nil)
				}()
			}
		},
		After: func(d time.Duration, do func()) func() {
			timer := time.AfterFunc(d, func() {
				if !p.dead.Load() {
					do()
				}
			})
			return func() { timer.Stop() }
		},
	})
	e.process.Store(p)
	for held := false; !held; time.Sleep(time.Second) {
		var err error
		if held, err = p.Lead(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// answer returns the scripted answer to a call. A call that is made again, by another process for
// the same attempt of the same state, gets the same one, as from a barrier.
func (e *executed) answer(t *testing.T, p *process, function string, payload json.RawMessage) (scriptedAnswer, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, err := e.journal.Execution(t.Context(), e.Machine, e.Name)
	if err != nil || p.dead.Load() || function == "Idle" {
		return scriptedAnswer{}, false
	}
	e.calls = append(e.calls, call(t, function, string(payload)))
	key := fmt.Sprintf("%s in %s, attempt %d", function, x.Position.State, x.Position.Attempt)
	script := e.Answers[function]
	var waiting struct{ ResumeToken string }
	if json.Unmarshal(payload, &waiting) == nil && waiting.ResumeToken != "" {
		script = e.Tokens[function]
	}
	a, known := e.answers[key]
	if !known {
		a = nth(script, e.given[function])
		e.given[function]++
		e.answers[key] = a
	}
	if waiting.ResumeToken != "" {
		go e.resume(t, p, waiting.ResumeToken, a)
		a = gives(`{}`)
	}
	return a, true
}

// resume answers a token, as resume-fulfilment does.
func (e *executed) resume(t *testing.T, p *process, token string, a scriptedAnswer) {
	time.Sleep(time.Second)
	if p.dead.Load() {
		return // the next process calls again
	}
	var err error
	if a.Error != "" {
		err = p.Fail(t.Context(), token, a.Error, "scripted")
	} else {
		err = p.Succeed(t.Context(), token, a.Result)
	}
	if err != nil && !p.dead.Load() {
		t.Errorf("%s: %v", token, err)
	}
}
