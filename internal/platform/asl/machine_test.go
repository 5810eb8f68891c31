package asl_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"orderflow/internal/platform/asl"
)

// task is a definition with one task, "Do", made of the given parts, and states to follow it.
type task struct{ resource, arguments, output, retry, catch string }

func (d task) definition() string {
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	return fmt.Sprintf(`{"QueryLanguage":"JSONata","StartAt":"Do","TimeoutSeconds":60,"States":{
		"Do":{"Type":"Task","Resource":%q,"Arguments":%s,"Output":%s,"TimeoutSeconds":5,
			"Retry":[%s],"Catch":[%s],"Next":"Well"},
		"Well":{"Type":"Choice","Choices":[{"Condition":"{%% $states.input.bad %%}","Next":"Bad"},
			{"Condition":"{%% $states.input.worse %%}","Next":"Worse"}],"Default":"Good"},
		"Good":{"Type":"Succeed"},"Bad":{"Type":"Fail","Error":"Bad","Cause":"of you"},"Worse":{"Type":"Fail"}}}`,
		or(d.resource, string(asl.LambdaInvoke)), or(d.arguments, `{"FunctionName":"f","Payload":{}}`),
		or(d.output, `{"bad":false,"worse":false}`), d.retry, d.catch)
}

func (d task) start(t *testing.T, input string) *asl.Execution {
	t.Helper()
	m, err := asl.Parse([]byte(d.definition()))
	if err != nil {
		t.Fatal(err)
	}
	return m.Start("x", json.RawMessage(input))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ended(t *testing.T, x *asl.Execution) asl.Done {
	t.Helper()
	d, ok := x.Next().(asl.Done)
	if !ok {
		t.Fatalf("it continues with %#v", x.Next())
	}
	return d
}

func TestParseRefusesWhatIsOutsideTheSubset(t *testing.T) {
	valid := task{}.definition()
	change := func(from, to string) string {
		if !strings.Contains(valid, from) {
			t.Fatalf("the definition lacks %s", from)
		}
		return strings.Replace(valid, from, to, 1)
	}
	for name, text := range map[string]string{
		"not JSON":                      `{`,
		"nothing":                       ``,
		"two definitions":               valid + valid,
		"JSONPath":                      change(`"JSONata"`, `"JSONPath"`),
		"no timeout of the machine":     change(`"TimeoutSeconds":60`, `"TimeoutSeconds":0`),
		"an unknown field":              change(`"TimeoutSeconds":60`, `"TimeoutSeconds":60,"Version":"1.0"`),
		"a field in other case":         change(`"StartAt"`, `"startAt"`),
		"an unknown field of a task":    change(`"TimeoutSeconds":5`, `"TimeoutSeconds":5,"HeartbeatSeconds":2`),
		"an unknown field of a retrier": task{retry: `{"ErrorEquals":["A"],"Times":2}`}.definition(),
		"no timeout of a task":          change(`"TimeoutSeconds":5`, `"TimeoutSeconds":0`),
		"a key twice":                   change(`"Next":"Well"`, `"Next":"Good","Next":"Well"`),
		"an unknown state type":         change(`"Type":"Succeed"`, `"Type":"Pass"`),
		"a field of another type":       change(`"Type":"Succeed"`, `"Type":"Succeed","Default":"Bad"`),
		"an unknown resource":           task{resource: "arn:aws:states:::sqs:sendMessage"}.definition(),
		"End besides Next":              change(`"Next":"Well"`, `"Next":"Well","End":true`),
		"neither End nor Next":          change(`,"Next":"Well"`, ``),
		"an unknown Next":               change(`"Next":"Well"`, `"Next":"Wel"`),
		"an unknown StartAt":            change(`"StartAt":"Do"`, `"StartAt":"Done"`),
		"an unreachable state":          change(`"Default":"Good"`, `"Default":"Bad"`),
		"a loop":                        change(`"Default":"Good"`, `"Default":"Do"`),
		"no choices": change(`[{"Condition":"{% $states.input.bad %}","Next":"Bad"},
			{"Condition":"{% $states.input.worse %}","Next":"Worse"}]`, `[]`),
		"a plain-text condition":   change(`"{% $states.input.bad %}"`, `"yes"`),
		"an expression in Fail":    change(`"of you"`, `"{% 'x' %}"`),
		"half an expression":       task{output: `"a {% $states.input %}"`}.definition(),
		"no output":                task{output: `null`}.definition(),
		"more arguments":           task{arguments: `{"FunctionName":"f","Payload":{},"Qualifier":"1"}`}.definition(),
		"fewer arguments":          task{arguments: `{"FunctionName":"f"}`}.definition(),
		"a function by expression": task{arguments: `{"FunctionName":"{% 'f' %}","Payload":{}}`}.definition(),
		"ALL with others":          task{retry: `{"ErrorEquals":["States.ALL","A"]}`}.definition(),
		"ALL not last":             task{retry: `{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["A"]}`}.definition(),
		"an empty ErrorEquals":     task{retry: `{"ErrorEquals":[]}`}.definition(),
		"no interval":              task{retry: `{"ErrorEquals":["A"],"IntervalSeconds":0}`}.definition(),
		"a shrinking backoff":      task{retry: `{"ErrorEquals":["A"],"BackoffRate":0.5}`}.definition(),
		"negative attempts":        task{retry: `{"ErrorEquals":["A"],"MaxAttempts":-1}`}.definition(),
		"a cap below the interval": task{
			retry: `{"ErrorEquals":["A"],"IntervalSeconds":5,"MaxDelaySeconds":5}`,
		}.definition(),
		"an unknown jitter":        task{retry: `{"ErrorEquals":["A"],"JitterStrategy":"HALF"}`}.definition(),
		"a catcher without output": task{catch: `{"ErrorEquals":["A"],"Next":"Good"}`}.definition(),
		"a catcher without next":   task{catch: `{"ErrorEquals":["A"],"Output":{}}`}.definition(),
		"no substitution":          task{arguments: `{"FunctionName":"${F}","Payload":{}}`}.definition(),
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := asl.Parse([]byte(text)); err == nil {
				t.Errorf("accepted as %+v", m)
			}
		})
	}
	if _, err := asl.Parse([]byte(valid)); err != nil {
		t.Errorf("the valid definition is refused: %v", err)
	}
}

func TestOnlyAConditionLeadsBack(t *testing.T) {
	back := strings.Replace(task{}.definition(), `{"Condition":`, `{"Condition":"{% $states.input.more %}","Next":"Do"},
		{"Condition":`, 1)
	m, err := asl.Parse([]byte(back))
	if err != nil || !reflect.DeepEqual(m.Loops, []string{"Do"}) {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestChoiceTakesTheFirstTrueCondition(t *testing.T) {
	for output, want := range map[string]asl.Done{
		`{"bad":true,"worse":true}`:   {Status: asl.Failed, Error: "Bad", Cause: "of you", LastState: "Bad"},
		`{"bad":false,"worse":true}`:  {Status: asl.Failed, LastState: "Worse"},
		`{"bad":false,"worse":false}`: {Status: asl.Succeeded, LastState: "Good"},
	} {
		x := task{output: output}.start(t, `{}`)
		must(t, x.Succeed(json.RawMessage(`{}`)))
		got := ended(t, x)
		got.Output = nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", output, got)
		}
	}
}

func TestNonBooleanConditionFailsTheExecution(t *testing.T) {
	for _, output := range []string{`{"bad":"yes"}`, `{"bad":null}`, `{}`} {
		x := task{output: output}.start(t, `{}`)
		must(t, x.Succeed(json.RawMessage(`{}`)))
		if d := ended(t, x); d.Error != asl.ErrQueryEvaluation || d.LastState != "Well" {
			t.Errorf("%s: %+v", output, d)
		}
	}
}

func TestFunctionResultIsThePayload(t *testing.T) {
	x := task{output: `{"bad":false,"worse":false,"got":"{% $states.result.Payload.n %}","in":"{% $states.input %}",
		"name":"{% $states.context.Execution.Name %}"}`}.start(t, `{"a":[null]}`)
	must(t, x.Succeed(json.RawMessage(`{"n":null}`)))
	if d := ended(t, x); string(d.Output) != `{"bad":false,"got":null,"in":{"a":[null]},"name":"x","worse":false}` {
		t.Errorf("%s %+v", d.Output, d)
	}
}

func TestUndefinedResultCanBeCaught(t *testing.T) {
	catch := `{"ErrorEquals":["States.QueryEvaluationError"],"Next":"Well",
		"Output":{"bad":false,"worse":false,"why":"{% $states.errorOutput.Cause %}"}}`
	arguments := `{"FunctionName":"f","Payload":{"a":"{% $states.input.missing %}"}}`
	x := task{arguments: arguments, catch: catch}.start(t, `{}`)
	if d := ended(t, x); d.Status != asl.Succeeded || !strings.Contains(string(d.Output), "$states.input.missing") {
		t.Errorf("in Arguments: %s %+v", d.Output, d)
	}
	x = task{output: `"{% $states.result.Payload.missing %}"`, catch: catch}.start(t, `{}`)
	must(t, x.Succeed(json.RawMessage(`{}`)))
	if d := ended(t, x); d.Status != asl.Succeeded {
		t.Errorf("in Output: %+v", d)
	}
	catch = `{"ErrorEquals":["States.ALL"],"Output":"{% $states.input.missing %}","Next":"Well"}`
	x = task{catch: catch}.start(t, `{}`)
	must(t, x.Fail("A", ""))
	if d := ended(t, x); d.Status != asl.Failed || d.Error != asl.ErrQueryEvaluation {
		t.Errorf("in the catcher's own Output: %+v", d)
	}
}

func TestTooMuchDataIsDataLimitExceeded(t *testing.T) {
	big := `{"x":"` + strings.Repeat("x", 256<<10) + `"}`
	x := task{catch: `{"ErrorEquals":["States.ALL"],"Output":{},"Next":"Good"}`}.start(t, `{}`)
	must(t, x.Succeed(json.RawMessage(big)))
	if d := ended(t, x); d.Error != asl.ErrDataLimitExceeded {
		t.Errorf("%+v", d)
	}
	x = task{catch: `{"ErrorEquals":["States.DataLimitExceeded"],"Output":{},"Next":"Good"}`}.start(t, `{}`)
	must(t, x.Succeed(json.RawMessage(big)))
	if d := ended(t, x); d.Status != asl.Succeeded {
		t.Errorf("caught by name: %+v", d)
	}
}
