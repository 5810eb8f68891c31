package asl_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/asl"
)

// resumed returns an execution that goes on from what a driver would write down of x.
func resumed(t *testing.T, m *asl.Machine, x *asl.Execution) *asl.Execution {
	t.Helper()
	written, err := json.Marshal(x.Position())
	must(t, err)
	var p asl.Position
	must(t, json.Unmarshal(written, &p))
	again, err := m.Resume("x", x.Input(), p)
	must(t, err)
	return again
}

func TestAResumedExecutionGoesOnAsTheFirst(t *testing.T) {
	text := task{
		resource: string(asl.LambdaInvokeAndWait), arguments: waiting,
		retry: `{"ErrorEquals":["A"],"MaxAttempts":2,"IntervalSeconds":3,"JitterStrategy":"FULL"}`,
		catch: `{"ErrorEquals":["States.ALL"],"Output":{"bad":true},"Next":"Well"}`,
	}.definition()
	m, err := asl.Parse([]byte(text))
	must(t, err)
	m = m.Hosted("machine", time.Now)
	x := m.Start("x", json.RawMessage(`{"a":1}`))
	for n := range 3 { // attempts
		y := resumed(t, m, x)
		if e := y.Next().(asl.Invoke); e.Token != fmt.Sprintf("machine/x/Do/%d", n+1) {
			t.Errorf("attempt %d has the token %s", n+1, e.Token)
		}
		for {
			if y = resumed(t, m, x); x.Key() != y.Key() || !reflect.DeepEqual(x.Next(), y.Next()) {
				t.Fatalf("%+v goes on as %+v", x.Next(), y.Next())
			}
			if _, sleeps := x.Next().(asl.Sleep); sleeps {
				must(t, x.Wake())
				break
			}
			must(t, x.Fail("A", "because"))
			if _, over := x.Next().(asl.Done); over {
				return
			}
		}
	}
	t.Error("the retries are not counted")
}

func TestAStateIsEnteredAtTheTimeOfItsHost(t *testing.T) {
	m, err := asl.Parse([]byte(task{
		arguments: `{"FunctionName":"f","Payload":"{% $states.context.State.EnteredTime %}"}`,
	}.definition()))
	must(t, err)
	now := time.Date(2026, 2, 3, 4, 5, 6, 7_000_000, time.UTC)
	m = m.Hosted("machine", func() time.Time { return now })
	x := m.Start("x", json.RawMessage(`{}`))
	now = now.Add(time.Hour)
	for _, x := range []*asl.Execution{x, resumed(t, m, x)} {
		if got := string(x.Next().(asl.Invoke).Payload); got != `"2026-02-03T04:05:06.007Z"` {
			t.Errorf("got %s", got)
		}
	}
}

func TestAStateThatIsGoneCannotBeResumed(t *testing.T) {
	d := task{}
	position := d.start(t, `{}`).Position()
	m, err := asl.Parse([]byte(strings.ReplaceAll(d.definition(), `"Do"`, `"Work"`)))
	must(t, err)
	if _, err := m.Resume("x", json.RawMessage(`{}`), position); err == nil {
		t.Error("it goes on in a state that does not exist")
	}
}
