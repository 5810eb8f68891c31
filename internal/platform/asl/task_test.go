package asl_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/asl"
)

func TestFirstMatchingRetrierDecidesWithItsOwnCount(t *testing.T) {
	d := task{
		retry: `{"ErrorEquals":["A"],"MaxAttempts":1,"IntervalSeconds":1},
			{"ErrorEquals":["A","B"],"MaxAttempts":2,"IntervalSeconds":3},
			{"ErrorEquals":["C"],"MaxAttempts":0},{"ErrorEquals":["States.ALL"]}`,
		catch: `{"ErrorEquals":["A"],"Output":{},"Next":"Good"}`,
	}
	fail := func(x *asl.Execution, name string) time.Duration {
		t.Helper()
		must(t, x.Fail(name, ""))
		s, ok := x.Next().(asl.Sleep)
		if !ok {
			return -1
		}
		if s.Min != s.Max {
			t.Errorf("the wait without jitter is between %s and %s", s.Min, s.Max)
		}
		must(t, x.Wake())
		return s.Max
	}
	x := d.start(t, `{}`)
	for i, step := range []struct {
		name string
		wait time.Duration
	}{{"B", 3 * time.Second}, {"A", time.Second}, {"B", 6 * time.Second}, {"Other", time.Second}} {
		if got := fail(x, step.name); got != step.wait {
			t.Errorf("attempt %d, error %s: waits %s, want %s", i, step.name, got, step.wait)
		}
	}
	if e := x.Next().(asl.Invoke); e.Attempt != 4 {
		t.Errorf("this is attempt %d", e.Attempt)
	}
	if fail(x, "A") != -1 || ended(t, x).LastState != "Good" {
		t.Error("an exhausted retrier does not pass the error to the catcher")
	}
	if x = d.start(t, `{}`); fail(x, "C") != -1 || ended(t, x).Error != "C" {
		t.Error("a retrier without attempts passes the error to the next one")
	}
}

func TestWaitsGrowToTheCapAndFullJitterShortensThem(t *testing.T) {
	x := task{retry: `{"ErrorEquals":["States.ALL"],"IntervalSeconds":2,"BackoffRate":2,"MaxAttempts":5,
		"MaxDelaySeconds":10,"JitterStrategy":"FULL"}`}.start(t, `{}`)
	for i, most := range []time.Duration{2, 4, 8, 10, 10} {
		must(t, x.Fail("A", ""))
		if s, ok := x.Next().(asl.Sleep); !ok || s.Min != 0 || s.Max != most*time.Second || s.Attempt != i+1 {
			t.Errorf("wait %d: %#v", i, x.Next())
		}
		must(t, x.Wake())
	}
	must(t, x.Fail("A", "because"))
	if d := ended(t, x); d.Error != "A" || d.Cause != "because" {
		t.Errorf("%+v", d)
	}
}

func TestLongWaitsDoNotOverflow(t *testing.T) {
	retry := `{"ErrorEquals":["A"],"IntervalSeconds":99999999,"BackoffRate":1e300,"MaxAttempts":9}`
	x := task{retry: retry}.start(t, `{}`)
	for range 9 {
		must(t, x.Fail("A", ""))
		if s := x.Next().(asl.Sleep); s.Max <= 0 {
			t.Fatalf("waits %s", s.Max)
		}
		must(t, x.Wake())
	}
}

func TestWildcardsMatchTheErrorsThatAWSDocuments(t *testing.T) {
	for _, c := range []struct {
		equals, name string
		caught       bool
	}{
		{"States.ALL", "Anything", true},
		{"States.ALL", "States.Timeout", true},
		{"States.ALL", "States.QueryEvaluationError", true},
		{"States.ALL", "States.Runtime", false},
		{"States.ALL", "States.DataLimitExceeded", false},
		{"States.TaskFailed", "Anything", true},
		{"States.TaskFailed", "States.Timeout", false},
		{"States.TaskFailed", "States.Runtime", false},
		{"States.Runtime", "States.Runtime", true},
		{"States.DataLimitExceeded", "States.DataLimitExceeded", true},
		{"Any", "Anything", false},
	} {
		x := task{catch: `{"ErrorEquals":["` + c.equals + `"],"Output":{},"Next":"Good"}`}.start(t, `{}`)
		must(t, x.Fail(c.name, ""))
		if d := ended(t, x); (d.Status == asl.Succeeded) != c.caught {
			t.Errorf("%s for %s: %+v", c.equals, c.name, d)
		}
	}
}

func TestRuntimeErrorIsNeverRetried(t *testing.T) {
	x := task{retry: `{"ErrorEquals":["States.Runtime"]}`}.start(t, `{}`)
	must(t, x.Fail(asl.ErrRuntime, ""))
	if d := ended(t, x); d.Error != asl.ErrRuntime {
		t.Errorf("%+v", d)
	}
}

func TestCatchersAreTriedInOrder(t *testing.T) {
	x := task{catch: `{"ErrorEquals":["B"],"Output":{},"Next":"Bad"},{"ErrorEquals":["A"],"Output":{},"Next":"Good"},
		{"ErrorEquals":["States.ALL"],"Output":{},"Next":"Worse"}`}.start(t, `{}`)
	must(t, x.Fail("A", ""))
	if d := ended(t, x); d.LastState != "Good" {
		t.Errorf("%+v", d)
	}
}

const waiting = `{"FunctionName":"f","Payload":{"token":"{% $states.context.Task.Token %}"}}`

func TestEachAttemptOfACallbackHasItsOwnToken(t *testing.T) {
	x := task{resource: string(asl.LambdaInvokeAndWait), arguments: waiting, retry: `{"ErrorEquals":["A"]}`,
		output: `{"bad":false,"worse":false,"r":"{% $states.result %}"}`}.start(t, `{}`)
	first := x.Next().(asl.Invoke)
	must(t, x.Fail("A", "")) // the function's error and the token's are the same
	must(t, x.Wake())
	second := x.Next().(asl.Invoke)
	if !first.Callback || first.Token == second.Token || string(second.Payload) != `{"token":"`+second.Token+`"}` {
		t.Errorf("%+v, then %+v", first, second)
	}
	must(t, x.Succeed(json.RawMessage(`{"by":"token"}`)))
	if d := ended(t, x); string(d.Output) != `{"bad":false,"r":{"by":"token"},"worse":false}` {
		t.Errorf("the token's output is wrapped: %s", d.Output)
	}
}

func TestTaskWithoutCallbackHasNoToken(t *testing.T) {
	d := ended(t, task{arguments: waiting}.start(t, `{}`))
	if d.Error != asl.ErrQueryEvaluation {
		t.Errorf("%+v", d)
	}
}

func TestUnexpectedAnswersAreRefused(t *testing.T) {
	x := task{retry: `{"ErrorEquals":["A"]}`}.start(t, `{}`)
	if err := x.Wake(); !errors.Is(err, asl.ErrNotWaiting) {
		t.Errorf("woken while it invokes: %v", err)
	}
	if err := x.Succeed(json.RawMessage(`{`)); err == nil {
		t.Error("a result that is not JSON is accepted")
	}
	must(t, x.Fail("A", ""))
	if err := x.Succeed(json.RawMessage(`{}`)); !errors.Is(err, asl.ErrNotWaiting) {
		t.Errorf("answered while it sleeps: %v", err)
	}
	if err := x.Fail("A", ""); !errors.Is(err, asl.ErrNotWaiting) {
		t.Errorf("failed while it sleeps: %v", err)
	}
	must(t, x.Stop(asl.Aborted, "", ""))
	if d := ended(t, x); d.Status != asl.Aborted || d.LastState != "Do" {
		t.Errorf("%+v", d)
	}
	if err := x.Stop(asl.TimedOut, "", ""); !errors.Is(err, asl.ErrNotWaiting) {
		t.Errorf("stopped twice: %v", err)
	}
}

func TestClonesAreIndependent(t *testing.T) {
	x := task{retry: `{"ErrorEquals":["A"],"MaxAttempts":1}`}.start(t, `{}`)
	c := x.Clone()
	if x.Key() != c.Key() {
		t.Error("the key of a clone differs")
	}
	must(t, c.Fail("A", ""))
	if x.Key() == c.Key() {
		t.Error("a further attempt does not change the key")
	}
	must(t, c.Wake())
	must(t, c.Fail("A", ""))
	must(t, x.Succeed(json.RawMessage(`{}`)))
	if ended(t, c).Error != "A" || ended(t, x).Status != asl.Succeeded || len(x.Trace()) != 3 || len(c.Trace()) != 1 {
		t.Errorf("%v and %v", x.Trace(), c.Trace())
	}
}

func TestForgetRetriesResetsTheirCount(t *testing.T) {
	x := task{retry: `{"ErrorEquals":["A"],"MaxAttempts":1}`}.start(t, `{}`)
	must(t, x.Fail("A", ""))
	must(t, x.Wake())
	x.ForgetRetries()
	must(t, x.Fail("A", ""))
	if _, sleeps := x.Next().(asl.Sleep); !sleeps {
		t.Errorf("%#v", x.Next())
	}
}

func TestStartExecutionHasMachineNameAndInput(t *testing.T) {
	arguments := `{"StateMachineArn":"arn","Name":"{% $states.input.id %}","Input":{"a":1}}`
	d := task{resource: string(asl.StatesStart), arguments: arguments}
	x := d.start(t, `{"id":"n"}`)
	e := x.Next().(asl.StartExecution)
	if e.MachineARN != "arn" || e.Name != "n" || string(e.Input) != `{"a":1}` || e.Timeout != 5*time.Second {
		t.Errorf("%+v", e)
	}
	if d := ended(t, d.start(t, `{"id":1}`)); d.Error != asl.ErrRuntime {
		t.Errorf("a name that is not a string: %+v", d)
	}
	if d := ended(t, d.start(t, `{`)); d.Error != asl.ErrRuntime {
		t.Errorf("an input that is not JSON: %+v", d)
	}
}

func TestTaskWithEndEndsTheExecution(t *testing.T) {
	text := `{"QueryLanguage":"JSONata","StartAt":"Do","TimeoutSeconds":60,"States":{"Do":{"Type":"Task",
		"Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"f","Payload":{}},
		"Output":{"a":1},"TimeoutSeconds":5,"End":true}}}`
	m, err := asl.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	x := m.Start("x", json.RawMessage(`{}`))
	must(t, x.Succeed(json.RawMessage(`{}`)))
	if d := ended(t, x); d.Status != asl.Succeeded || string(d.Output) != `{"a":1}` || d.LastState != "Do" {
		t.Errorf("%+v", d)
	}
}

func TestAChildIsAwaitedByItsToken(t *testing.T) {
	arguments := `{"StateMachineArn":"arn","Name":"{% $states.input.id & '-' & $states.context.State.RetryCount %}",
		"Input":{"token":"{% $states.context.Task.Token %}"}}`
	x := task{
		resource: string(asl.StatesStartAndWait), arguments: arguments, retry: `{"ErrorEquals":["A"]}`,
		output: `{"bad":false,"worse":false,"r":"{% $states.result %}"}`,
	}.start(t, `{"id":"n"}`)
	first := x.Next().(asl.StartExecution)
	must(t, x.Fail("A", "")) // by the token, or because the start failed
	must(t, x.Wake())
	second := x.Next().(asl.StartExecution)
	if !first.Callback || first.Token == second.Token || first.Name != "n-0" || second.Name != "n-1" ||
		string(second.Input) != `{"token":"`+second.Token+`"}` {
		t.Errorf("%+v, then %+v", first, second)
	}
	must(t, x.Succeed(json.RawMessage(`{"by":"token"}`)))
	if d := ended(t, x); string(d.Output) != `{"bad":false,"r":{"by":"token"},"worse":false}` {
		t.Errorf("the token's output is wrapped: %s", d.Output)
	}
}

func TestAnExecutionAnswersAnothersTask(t *testing.T) {
	success := task{resource: string(asl.SendTaskSuccess),
		arguments: `{"TaskToken":"{% $states.input.token %}","Output":"{% $string({'a': 'b'}) %}"}`}
	x := success.start(t, `{"token":"t"}`)
	if e := x.Next().(asl.AnswerTask); e.Token != "t" || string(e.Output) != `{"a":"b"}` || e.Error != "" {
		t.Errorf("%+v", e)
	}
	must(t, x.Fail("Sfn.TaskTimedOutException", ""))
	if d := ended(t, x); d.Error != "Sfn.TaskTimedOutException" {
		t.Errorf("%+v", d)
	}
	failure := task{resource: string(asl.SendTaskFailure),
		arguments: `{"TaskToken":"t","Error":"{% $states.input.error %}","Cause":"c"}`}
	x = failure.start(t, `{"error":"e"}`)
	if e := x.Next().(asl.AnswerTask); e.Token != "t" || e.Error != "e" || e.Cause != "c" {
		t.Errorf("%+v", e)
	}
	must(t, x.Succeed(json.RawMessage(`{}`)))
	if d := ended(t, x); d.Status != asl.Succeeded {
		t.Errorf("%+v", d)
	}
	if d := ended(t, failure.start(t, `{"error":1}`)); d.Error != asl.ErrRuntime {
		t.Errorf("an error that is not a string: %+v", d)
	}
}
