package workflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/memory"
)

// definitions are small machines in the manner of the saga's. A parent runs the child, waits for a
// token, and calls a function; another one starts an execution of it.
var definitions = map[string]string{
	"parent": `{"QueryLanguage":"JSONata","StartAt":"Run","TimeoutSeconds":600,"States":{
		"Run":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.waitForTaskToken","TimeoutSeconds":90,
			"Arguments":{"StateMachineArn":"child",
			"Name":"{% $states.input.id & '-' & $states.context.State.RetryCount %}",
			"Input":{"token":"{% $states.context.Task.Token %}"}},"Output":"{% $states.input %}",
			"Retry":[{"ErrorEquals":["Transient","States.Timeout"],"IntervalSeconds":2}],"Next":"Wait"},
		"Wait":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","TimeoutSeconds":120,
			"Arguments":{"FunctionName":"ask","Payload":{"token":"{% $states.context.Task.Token %}"}},
			"Output":"{% $merge([$states.input, $states.result]) %}","Next":"Do"},
		"Do":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":15,
			"Arguments":{"FunctionName":"do","Payload":"{% $states.input %}"},"Output":"{% $states.result.Payload %}",
			"End":true}}}`,
	"child": `{"QueryLanguage":"JSONata","StartAt":"Step","TimeoutSeconds":80,"States":{
		"Step":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","TimeoutSeconds":15,
			"Arguments":{"FunctionName":"step","Payload":{}},"Output":"{% $states.input %}",
			"Catch":[{"ErrorEquals":["States.ALL"],"Next":"ReportFailure","Output":
			{"token":"{% $states.input.token %}","error":"{% $states.errorOutput.Error %}"}}],"Next":"Report"},
		"Report":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess","TimeoutSeconds":5,
			"Arguments":{"TaskToken":"{% $states.input.token %}","Output":"{}"},"Output":{},"End":true},
		"ReportFailure":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:sendTaskFailure","TimeoutSeconds":5,
			"Arguments":{"TaskToken":"{% $states.input.token %}","Error":"{% $states.input.error %}","Cause":"c"},
			"Output":{},"End":true}}}`,
	"starter": `{"QueryLanguage":"JSONata","StartAt":"Start","TimeoutSeconds":60,"States":{
		"Start":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution","TimeoutSeconds":15,
			"Arguments":{"StateMachineArn":"parent","Name":"{% $states.input.id %}",
			"Input":{"id":"{% $states.input.id %}"}},"Output":{},"Catch":[{"Next":"Was","Output":{},
			"ErrorEquals":["StepFunctions.ExecutionAlreadyExistsException"]}],"End":true},
		"Was":{"Type":"Fail","Error":"AlreadyStarted"}}}`,
}

func machines(t testing.TB, without ...string) map[string]workflow.Machine {
	t.Helper()
	all := map[string]workflow.Machine{}
	for name, text := range definitions {
		for _, state := range without {
			text = strings.ReplaceAll(text, `"`+state+`"`, `"Another"`)
		}
		m, err := asl.Parse([]byte(text))
		must(t, err)
		all[name] = workflow.Machine{Definition: m, Express: name == "child"}
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// functions record their calls. A call is answered by the next answer of its function: an error's
// name, which comes after 5 s if it is "Late", or "never"; "slow" succeeds after 10 s. Without one
// it succeeds with {"done":true}.
type functions struct {
	mu      sync.Mutex
	calls   []string
	tokens  []string
	answers map[string][]string
}

func (f *functions) call(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	f.calls = append(f.calls, name)
	var in struct{ Token string }
	if json.Unmarshal(payload, &in) == nil && in.Token != "" {
		f.tokens = append(f.tokens, in.Token)
	}
	answer := ""
	if left := f.answers[name]; len(left) > 0 {
		answer, f.answers[name] = left[0], left[1:]
	}
	f.mu.Unlock()
	switch answer {
	case "":
		return []byte(`{"done":true}`), nil
	case "slow":
		time.Sleep(10 * time.Second)
		return []byte(`{"done":true}`), nil
	case "Late":
		time.Sleep(5 * time.Second)
	case "never":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, messages.InvokeResponse_Error{Type: answer, Message: "because"}
}

func (f *functions) called() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.calls, " ")
}

func (f *functions) token(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.tokens) == 0 {
		t.Fatalf("no task waits for a token; called: %v", f.calls)
	}
	return f.tokens[len(f.tokens)-1]
}

func engine(t testing.TB, f *functions, j workflow.Journal, change ...func(*workflow.Options)) *workflow.Engine {
	o := workflow.Options{Machines: machines(t), Call: workflow.Blocking(f.call), Journal: j, Owner: "a"}
	for _, c := range change {
		c(&o)
	}
	return workflow.New(o)
}

func owner(name string) func(*workflow.Options) {
	return func(o *workflow.Options) { o.Owner = name }
}

type test = func(t *testing.T, e *workflow.Engine, f *functions)

// leading runs an engine in a bubble, which has the lease until the test ends.
func leading(t *testing.T, test test, change ...func(*workflow.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		e := engine(t, f, memory.New(100), change...)
		run(t, e, func() { test(t, e, f) })
	})
}

// run calls do while the engine drives.
func run(t *testing.T, e *workflow.Engine, do func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx, func(context.Context) {}) })
	synctest.Wait()
	do()
	cancel()
	running.Wait()
}

func described(t *testing.T, e *workflow.Engine, name string) workflow.Execution {
	t.Helper()
	x, err := e.Describe(t.Context(), "parent", name)
	must(t, err)
	return x
}

func start(t *testing.T, e *workflow.Engine, name string) {
	t.Helper()
	must(t, e.Start(t.Context(), "parent", name, json.RawMessage(`{"id":"`+name+`"}`)))
	synctest.Wait()
}

func kinds(x workflow.Execution) string {
	var all []string
	for _, e := range x.History {
		all = append(all, strings.TrimSpace(e.Kind+" "+e.State))
	}
	return strings.Join(all, ", ")
}

func TestAnExecutionGoesThroughItsStates(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		start(t, e, "x")
		if x := described(t, e, "x"); x.Status != workflow.Running || x.Position.State != "Wait" {
			t.Errorf("%+v", x)
		}
		time.Sleep(time.Second)
		must(t, e.Succeed(t.Context(), f.token(t), json.RawMessage(`{"n":1}`)))
		synctest.Wait()
		x := described(t, e, "x")
		if x.Status != asl.Succeeded || string(x.Output) != `{"done":true}` || x.Ended.Sub(x.Started) != time.Second {
			t.Errorf("%+v", x)
		}
		if f.called() != "step ask do" {
			t.Errorf("called %s", f.called())
		}
		const want = "ExecutionStarted, " +
			"TaskStateEntered Run, TaskScheduled Run, TaskSucceeded Run, TaskStateExited Run, " +
			"TaskStateEntered Wait, TaskScheduled Wait, TaskSucceeded Wait, TaskStateExited Wait, " +
			"TaskStateEntered Do, TaskScheduled Do, TaskSucceeded Do, TaskStateExited Do, ExecutionSucceeded"
		if kinds(x) != want {
			t.Errorf("history: %s", kinds(x))
		}
		if err := e.Fail(t.Context(), f.token(t), "A", ""); !errors.Is(err, workflow.ErrStaleToken) {
			t.Errorf("a second answer: %v", err)
		}
	})
}

func TestAChildsErrorKeepsItsNameAndIsRetried(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		f.answers["step"] = []string{"Transient", "Final"}
		start(t, e, "x")
		time.Sleep(5 * time.Second)
		x := described(t, e, "x")
		if x.Status != asl.Failed || x.Error != "Final" || x.Cause != "c" || f.called() != "step step" {
			t.Errorf("%+v after %s", x, f.called())
		}
	})
}

func TestALateAnswerIsDropped(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		f.answers["ask"], f.answers["do"] = []string{"Late"}, []string{"slow"}
		start(t, e, "x")
		must(t, e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)))
		time.Sleep(11 * time.Second)
		if x := described(t, e, "x"); x.Status != asl.Succeeded {
			t.Errorf("%+v", x)
		}
	})
}

func TestATaskTimesOut(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		f.answers["do"] = []string{"never"}
		start(t, e, "x")
		must(t, e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)))
		time.Sleep(16 * time.Second)
		if x := described(t, e, "x"); x.Error != asl.ErrTimeout || !strings.Contains(kinds(x), "TaskTimedOut Do") {
			t.Errorf("%+v", x)
		}
		start(t, e, "y")
		time.Sleep(121 * time.Second)
		if x := described(t, e, "y"); x.Error != asl.ErrTimeout {
			t.Errorf("nobody answered: %+v", x)
		}
	})
}

func TestAnExecutionIsStoppedByHandOrAtItsTimeout(t *testing.T) {
	var told []string
	ended := func(o *workflow.Options) {
		o.Ended = func(_ context.Context, x workflow.Execution) error {
			told = append(told, x.Name+" "+string(x.Status))
			if len(told) == 1 {
				return errors.New("the first time fails")
			}
			return nil
		}
	}
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		f.answers["step"] = []string{"", "never", "never", "never", "never", "never", "never", "never", "never"}
		start(t, e, "x")
		must(t, e.Stop(t.Context(), "parent", "x", "Ordered", "by hand"))
		must(t, e.Stop(t.Context(), "parent", "x", "", "")) // it has ended
		if x := described(t, e, "x"); x.Status != asl.Aborted || x.Error != "Ordered" || x.Announced {
			t.Errorf("%+v", x)
		}
		time.Sleep(2 * time.Minute)
		if open, err := e.Open(t.Context()); err != nil || len(open) > 0 || !described(t, e, "x").Announced {
			t.Errorf("open: %+v, %v", open, err)
		}
		if err := e.Stop(t.Context(), "parent", "z", "", ""); !errors.Is(err, workflow.ErrNone) {
			t.Errorf("none is stopped: %v", err)
		}
	}, ended)
	if got := strings.Join(told, ", "); got != "x ABORTED, x ABORTED" {
		t.Errorf("told of %s", got)
	}
}

func TestAnExecutionTimesOutAsAWhole(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		for range 20 {
			f.answers["step"] = append(f.answers["step"], "never")
		}
		start(t, e, "x")
		time.Sleep(11 * time.Minute)
		x := described(t, e, "x")
		if x.Status != asl.Failed && x.Status != asl.TimedOut || x.Ended.Sub(x.Started) > 10*time.Minute {
			t.Errorf("%+v", x)
		}
	})
}

func TestANameIsStartedOnce(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		start(t, e, "x")
		start(t, e, "x") // the same input, while it runs
		for _, input := range []string{`{"id":"x","other":1}`, `{"id":"x"}`} {
			err := e.Start(t.Context(), "parent", "x", json.RawMessage(input))
			if !errors.Is(err, workflow.ErrExists) {
				t.Errorf("%s: %v", input, err)
			}
			must(t, e.Stop(t.Context(), "parent", "x", "", ""))
		}
		must(t, e.Start(t.Context(), "starter", "s", json.RawMessage(`{"id":"x"}`)))
		synctest.Wait()
		if x, err := e.Describe(t.Context(), "starter", "s"); err != nil || x.Error != "AlreadyStarted" {
			t.Errorf("a machine that starts it: %+v, %v", x, err)
		}
		if f.called() != "step ask" {
			t.Errorf("called %s", f.called())
		}
	})
}

func TestAnotherProcessGoesOnWhereTheFirstDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{"step": {"", "never"}}}
		j := memory.New(100)
		first, second := engine(t, f, j), engine(t, f, j, owner("b"))
		held, err := first.Lead(t.Context()) // and never renews it
		if must(t, err); !held {
			t.Fatal("the first does not lead")
		}
		start(t, first, "waits")
		start(t, first, "runs")
		token := f.token(t)
		run(t, second, func() {
			if second.Leads() {
				t.Error("two lead")
			}
			if err := second.Succeed(t.Context(), token, json.RawMessage(`{}`)); !errors.Is(err, workflow.ErrNotLeading) {
				t.Errorf("an answer before it leads: %v", err)
			}
			time.Sleep(10 * time.Second)
			if held, err := first.Lead(t.Context()); held || err != nil || !second.Leads() || first.Size() > 0 {
				t.Errorf("the second has not taken over: %t, %v", held, err)
			}
			must(t, second.Succeed(t.Context(), token, json.RawMessage(`{}`)))
			must(t, second.Succeed(t.Context(), "parent/runs/Wait/1", json.RawMessage(`{}`)))
			synctest.Wait()
			for _, name := range []string{"waits", "runs"} {
				if x := described(t, second, name); x.Status != asl.Succeeded {
					t.Errorf("%s: %+v", name, x)
				}
			}
		})
		for name, want := range map[string]int{"step": 3, "ask": 3, "do": 2} { // those of the first again
			if got := strings.Count(f.called(), name); got != want {
				t.Errorf("called %s: %s %d times, want %d", f.called(), name, got, want)
			}
		}
	})
}

// slowClock is the clock of a process that was stopped for a while: it still believes in its lease.
type slowClock struct{ behind atomic.Int64 }

func (c *slowClock) Now() time.Time { return time.Now().Add(-time.Duration(c.behind.Load())) }

func TestAProcessThatHasLostTheLeaseCannotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		j := memory.New(100)
		clock := &slowClock{}
		first := engine(t, f, j, func(o *workflow.Options) { o.Clock = clock })
		_, err := first.Lead(t.Context())
		must(t, err)
		start(t, first, "x")
		token := f.token(t)
		time.Sleep(6 * time.Second)
		clock.behind.Store(int64(6 * time.Second))
		second := engine(t, f, j, owner("b"))
		_, err = second.Lead(t.Context())
		must(t, err)
		synctest.Wait()
		if !first.Leads() || !second.Leads() {
			t.Fatal("they do not both believe that they lead")
		}
		if err := first.Succeed(t.Context(), token, json.RawMessage(`{"by":1}`)); fault.KindOf(err) != fault.Transient || err == nil {
			t.Errorf("the first takes the answer: %v", err)
		}
		must(t, second.Succeed(t.Context(), token, json.RawMessage(`{"by":2}`)))
		synctest.Wait()
		x := described(t, second, "x")
		if x.Status != asl.Succeeded || strings.Count(kinds(x), "TaskStateEntered Do") != 1 {
			t.Errorf("%+v", x)
		}
		clock.behind.Store(0)
		time.Sleep(6 * time.Second)
	})
}

func TestAProcessStopsWritingWhenItsLeaseHasPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		e := engine(t, f, memory.New(100))
		_, err := e.Lead(t.Context())
		must(t, err)
		start(t, e, "x")
		written := described(t, e, "x").Version
		time.Sleep(3 * time.Minute) // without renewing it; the task times out meanwhile
		if x := described(t, e, "x"); x.Version != written {
			t.Errorf("it wrote %+v", x)
		}
		err = e.Start(t.Context(), "parent", "y", json.RawMessage(`{"id":"y"}`))
		if !errors.Is(err, workflow.ErrNotLeading) {
			t.Errorf("it starts an execution: %v", err)
		}
		run(t, e, func() { // it has the lease again
			must(t, e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)))
			synctest.Wait()
			if x := described(t, e, "x"); x.Status != asl.Succeeded {
				t.Errorf("%+v", x)
			}
		})
	})
}

func TestAnOldProcessRefusesNoAnswerForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{"step": {"never"}}}
		j := memory.New(100)
		clock := &slowClock{}
		first := engine(t, f, j, func(o *workflow.Options) { o.Clock = clock })
		_, err := first.Lead(t.Context())
		must(t, err)
		start(t, first, "x") // it is in its child
		time.Sleep(6 * time.Second)
		clock.behind.Store(int64(6 * time.Second))
		second := engine(t, f, j, owner("b"))
		_, err = second.Lead(t.Context())
		must(t, err)
		synctest.Wait() // it waits for an answer
		if err := first.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)); fault.KindOf(err) != fault.Transient {
			t.Errorf("the first refuses the answer: %v", err)
		}
		clock.behind.Store(0)
		_, _ = first.Lead(t.Context()) // it gives up
	})
}

// flaky is a journal whose writes fail, before or after they were taken. If meanwhile is set, the
// next read calls it, and fails.
type flaky struct {
	workflow.Journal
	refuse, unheard int
	meanwhile       func()
}

func (j *flaky) Execution(ctx context.Context, machine, name string) (workflow.Execution, error) {
	if do := j.meanwhile; do != nil {
		j.meanwhile = nil
		do()
		return workflow.Execution{}, errors.New("not read")
	}
	return j.Journal.Execution(ctx, machine, name)
}

func (j *flaky) Save(ctx context.Context, x workflow.Execution) error {
	if j.refuse > 0 {
		j.refuse--
		return errors.New("refused")
	}
	err := j.Journal.Save(ctx, x)
	if err == nil && j.unheard > 0 {
		j.unheard--
		return errors.New("unheard")
	}
	return err
}

func TestNothingBeginsBeforeTheTransitionIsWritten(t *testing.T) {
	for _, unheard := range []bool{false, true} {
		j := &flaky{Journal: memory.New(100)}
		leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
			start(t, e, "x")
			j.refuse = 2
			if unheard {
				j.refuse, j.unheard = 0, 2
			}
			token := f.token(t)
			if err := e.Succeed(t.Context(), token, json.RawMessage(`{}`)); fault.KindOf(err) != fault.Transient || err == nil {
				t.Errorf("the answer was taken: %v", err)
			}
			synctest.Wait()
			if strings.Contains(f.called(), "do") {
				t.Errorf("unheard: %t: called %s", unheard, f.called())
			}
			time.Sleep(5 * time.Second)
			want := error(nil)
			if unheard {
				want = workflow.ErrStaleToken // the first answer was taken after all
			}
			if err := e.Succeed(t.Context(), token, json.RawMessage(`{}`)); !errors.Is(err, want) {
				t.Errorf("the second answer, unheard: %t: %v", unheard, err)
			}
			time.Sleep(5 * time.Second)
			if x := described(t, e, "x"); x.Status != asl.Succeeded || strings.Count(f.called(), "do") != 1 {
				t.Errorf("unheard: %t: %+v after %s", unheard, x, f.called())
			}
		}, func(o *workflow.Options) { o.Journal = j })
	}
}

func TestATakeoverThatFailsIsTriedAgainSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		j := &flaky{Journal: memory.New(100)}
		first := engine(t, f, j)
		run(t, first, func() { start(t, first, "x") })
		j.refuse = 2
		second := engine(t, f, j, owner("b"))
		run(t, second, func() {
			time.Sleep(3 * time.Second)
			if n := second.Size(); n != 1 {
				t.Errorf("it drives %d executions", n)
			}
		})
	})
}

// A mutex is not durable in a bubble, so this test waits for real.
func TestNothingIsSaidOfAnExecutionThatWasNotRead(t *testing.T) {
	input := json.RawMessage(`{"id":"x"}`)
	answer := func(ctx context.Context, e *workflow.Engine) error {
		return e.Succeed(ctx, "parent/x/Run/1", json.RawMessage(`{}`))
	}
	for name, call := range map[string]func(context.Context, *workflow.Engine) error{
		"answer": answer,
		"stop":   func(ctx context.Context, e *workflow.Engine) error { return e.Stop(ctx, "parent", "x", "", "") },
		"start":  func(ctx context.Context, e *workflow.Engine) error { return e.Start(ctx, "parent", "x", input) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := &flaky{Journal: memory.New(100)}
			lead := func() *workflow.Engine { // nothing happens by itself
				e := engine(t, &functions{}, j, func(o *workflow.Options) {
					o.After = func(time.Duration, func()) func() { return func() {} }
				})
				_, err := e.Lead(t.Context())
				must(t, err)
				return e
			}
			must(t, lead().Start(t.Context(), "parent", "x", input))
			e := lead()
			said := make(chan error)
			j.meanwhile = func() {
				go func() { said <- call(t.Context(), e) }()
				time.Sleep(50 * time.Millisecond) // it waits for the one that reads
			}
			if err := answer(t.Context(), e); err == nil {
				t.Error("the first is told something")
			}
			err := <-said
			late := err == nil && (name == "start" || described(t, e, "x").Version > 1)
			if !errors.Is(err, workflow.ErrBusy) && !late {
				t.Errorf("the second is told %v", err)
			}
		})
	}
}

func TestAStartThatWasNotHeardIsDriven(t *testing.T) {
	j := &flaky{Journal: memory.New(100), unheard: 1}
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		input := json.RawMessage(`{"id":"x"}`)
		if err := e.Start(t.Context(), "parent", "x", input); !errors.Is(err, workflow.ErrBusy) {
			t.Errorf("%v", err)
		}
		must(t, e.Start(t.Context(), "parent", "x", input)) // the caller tries again
		time.Sleep(2 * time.Second)
		if f.called() != "step ask" {
			t.Errorf("called %s", f.called())
		}
	}, func(o *workflow.Options) { o.Journal = j })
}

func TestADrainingEngineStartsNothingAndParksWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		j := memory.New(100)
		e := engine(t, f, j)
		run(t, e, func() {
			start(t, e, "ends")
			token := f.token(t)
			start(t, e, "waits")
			time.AfterFunc(time.Second, func() { _ = e.Succeed(t.Context(), token, json.RawMessage(`{}`)) })
			time.AfterFunc(2*time.Second, func() {
				err := e.Start(t.Context(), "parent", "z", json.RawMessage(`{}`))
				if !errors.Is(err, workflow.ErrDraining) {
					t.Errorf("started while it drains: %v", err)
				}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if left := e.Drain(ctx); fmt.Sprint(left.Parked) != "[parent/waits]" {
				t.Errorf("parked: %v", left.Parked)
			}
			time.Sleep(5 * time.Second)
			err := e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`))
			if !errors.Is(err, workflow.ErrDraining) {
				t.Errorf("an answer to what is parked: %v", err)
			}
			if described(t, e, "ends").Status != asl.Succeeded || described(t, e, "waits").Status != workflow.Running {
				t.Error("the answer was not taken, or what waits has ended")
			}
		})
		next := engine(t, f, j, owner("b"))
		run(t, next, func() { // at once: the lease was released
			must(t, next.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)))
			synctest.Wait()
			left, x := next.Drain(t.Context()), described(t, next, "waits")
			if left.Parked != nil || x.Status != asl.Succeeded {
				t.Errorf("left: %v, %+v", left, x)
			}
		})
	})
}

func TestWhatIsInDoubtWhileTheEngineDrainsIsParked(t *testing.T) {
	j := &flaky{Journal: memory.New(100)}
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		start(t, e, "x")
		j.refuse = 1
		if err := e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)); !errors.Is(err, workflow.ErrBusy) {
			t.Errorf("the answer was taken: %v", err)
		}
		if left := e.Drain(t.Context()); fmt.Sprint(left.Parked) != "[parent/x]" {
			t.Errorf("parked: %v", left.Parked)
		}
	}, func(o *workflow.Options) { o.Journal = j })
}

func TestWhatIsLedEndsWithTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &flaky{Journal: memory.New(100)}
		e := engine(t, &functions{}, j)
		ctx, cancel := context.WithCancel(t.Context())
		var begun, ended atomic.Int32
		var running sync.WaitGroup
		running.Go(func() {
			e.Run(ctx, func(ctx context.Context) {
				begun.Add(1)
				<-ctx.Done()
				ended.Add(1)
			})
		})
		synctest.Wait()
		l, err := j.Lease(ctx)
		must(t, err)
		l = workflow.Lease{Owner: "b", Until: time.Now().Add(time.Minute), Version: l.Version + 1}
		must(t, j.SaveLease(ctx, l))
		time.Sleep(30 * time.Second)
		if begun.Load() != 1 || ended.Load() != 1 || e.Leads() {
			t.Errorf("begun %d times, ended %d times, leads: %t", begun.Load(), ended.Load(), e.Leads())
		}
		time.Sleep(time.Minute)
		cancel()
		running.Wait()
		if begun.Load() != 2 || ended.Load() != 2 {
			t.Errorf("begun %d times, ended %d times", begun.Load(), ended.Load())
		}
	})
}

// hanging is a journal whose lease cannot be reached from some time on.
type hanging struct {
	workflow.Journal
	from time.Time
}

func (j hanging) Lease(ctx context.Context) (workflow.Lease, error) {
	if time.Now().After(j.from) {
		<-ctx.Done()
		return workflow.Lease{}, ctx.Err()
	}
	return j.Journal.Lease(ctx)
}

func TestAJournalThatHangsEndsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := engine(t, &functions{}, hanging{memory.New(100), time.Now().Add(time.Second)})
		ctx, cancel := context.WithCancel(t.Context())
		var ended atomic.Bool
		var running sync.WaitGroup
		running.Go(func() {
			e.Run(ctx, func(ctx context.Context) {
				<-ctx.Done()
				ended.Store(true)
			})
		})
		time.Sleep(15 * time.Second)
		if !ended.Load() || e.Leads() {
			t.Error("it leads without a lease")
		}
		cancel()
		running.Wait()
	})
}

func TestAChangedMachineFailsExecutionsInStatesThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{answers: map[string][]string{}}
		j := memory.New(100)
		first := engine(t, f, j)
		run(t, first, func() { start(t, first, "x") })
		second := engine(t, f, j, func(o *workflow.Options) { o.Machines = machines(t, "Wait") })
		run(t, second, func() {
			if x := described(t, second, "x"); x.Status != asl.Failed || !strings.Contains(x.Cause, "Wait") {
				t.Errorf("%+v", x)
			}
		})
	})
}

func TestExecutionsThatEndedLeaveTheEngine(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		for n := range 50 {
			start(t, e, fmt.Sprint(n))
			must(t, e.Succeed(t.Context(), f.token(t), json.RawMessage(`{}`)))
		}
		time.Sleep(time.Second)
		if n := e.Size(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestNoMoreThanTheLimitAreStarted(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, f *functions) {
		f.answers["step"] = []string{"", "slow"}
		start(t, e, "1")
		start(t, e, "2") // it has a child
		err := e.Start(t.Context(), "parent", "3", json.RawMessage(`{}`))
		if !errors.Is(err, workflow.ErrBusy) {
			t.Errorf("one more than the limit: %v", err)
		}
		must(t, e.Stop(t.Context(), "parent", "1", "", ""))
		start(t, e, "3") // the child of 2 does not count
		time.Sleep(10 * time.Second)
	}, func(o *workflow.Options) { o.Limit = 2 })
}

func TestWhatCannotBeStartedOrAnsweredIsRefused(t *testing.T) {
	leading(t, func(t *testing.T, e *workflow.Engine, _ *functions) {
		for _, name := range []string{"parent/a/b", "other/x/Do/1", "parent", "", "child/x/Step/1"} {
			if err := e.Succeed(t.Context(), name, json.RawMessage(`{}`)); !errors.Is(err, workflow.ErrStaleToken) {
				t.Errorf("token %q: %v", name, err)
			}
		}
		if err := e.Succeed(t.Context(), "parent/x/Do/1", json.RawMessage(`{`)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("an output that is not JSON: %v", err)
		}
		if err := e.Start(t.Context(), "parent", "a/b", json.RawMessage(`{}`)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("a name with a slash: %v", err)
		}
		if err := e.Start(t.Context(), "other", "x", json.RawMessage(`{}`)); fault.KindOf(err) != fault.Internal {
			t.Errorf("an unknown machine: %v", err)
		}
	})
}
