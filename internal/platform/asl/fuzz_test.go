package asl

import (
	"encoding/json"
	"testing"
)

func FuzzParse(f *testing.F) {
	// Small seeds: Go's fuzzer spends all its time on minimizing large ones.
	f.Add([]byte(`{"QueryLanguage":"JSONata","StartAt":"A","TimeoutSeconds":1,"States":{"A":{"Type":"Task",
		"Resource":"arn:aws:states:::lambda:invoke",
		"Arguments":{"FunctionName":"${F}","Payload":{"a":"{% $states.input.orderId %}"}},
		"Output":"{% $merge([$states.input, {'f': $states.result.Payload.x}]) %}",
		"TimeoutSeconds":1,
		"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":2,"MaxDelaySeconds":9,"JitterStrategy":"FULL"}],
		"Catch":[{"ErrorEquals":["States.ALL"],"Output":{"e":"{% $states.errorOutput.Error %}"},
		"Next":"B"}],"Next":"B"},
		"B":{"Type":"Succeed"}}}`))
	f.Add([]byte(`{"QueryLanguage":"JSONata","StartAt":"A","TimeoutSeconds":1,"States":{"A":{"Type":"Task",
		"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken",
		"Arguments":{"FunctionName":"f","Payload":"{% $states.context.Task.Token %}"},
		"Output":{},"TimeoutSeconds":1,"Next":"B"},
		"B":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution",
		"Arguments":{"StateMachineArn":"a","Name":"{% $states.context.Execution.Name %}","Input":[]},
		"Output":{},"TimeoutSeconds":1,"Next":"C"},"C":{"Type":"Succeed"}}}`))
	f.Add([]byte(`{"QueryLanguage":"JSONata","StartAt":"A","TimeoutSeconds":1,"States":{"A":{"Type":"Succeed"}}}`))
	f.Add([]byte(`{"QueryLanguage":"JSONata","StartAt":"A","TimeoutSeconds":1,"States":{
		"A":{"Type":"Choice","Choices":[{"Condition":"{% 1 > 2 %}","Next":"B"}]},"B":{"Type":"Fail"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := Parse(Substitute(text, func(name string) string { return name }))
		if err != nil {
			return
		}
		// Whatever is accepted can run, both with all tasks succeeding and with all failing.
		for _, succeed := range []bool{true, false} {
			x := m.Start("x", json.RawMessage(`{"orderId":"x"}`))
			for range 500 { // MaxAttempts may be a hundred million
				if _, over := x.Next().(Done); over {
					break
				}
				if x.Wake() == nil {
					continue
				}
				if succeed {
					err = x.Succeed(json.RawMessage(`{}`))
				} else {
					err = x.Fail("Transient", "")
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func FuzzExpression(f *testing.F) {
	for _, text := range []string{
		`$states.input`, `$states.input.orderId`,
		`$merge([$states.input, {'failures': {}, 'confirmed': $states.result.Payload.confirmed}])`,
		`$count($keys($states.input.failures)) > 0`, `$string($states.input.failures)`, `$states.context.Task.Token`,
		`($r := {'A': 'B'}; $x := $lookup($r, $states.input.failure.error); $exists($x) ? $x : 'INTERNAL')`,
		`[[1], $states.input.l]`, `{'a': 1 > 2}`,
	} {
		f.Add(text, `{"orderId":"x","failures":{"A":null},"failure":{"error":"A"},"l":[{"a":[]},{"a":1}]}`)
	}
	f.Fuzz(func(t *testing.T, text, input string) {
		e, err := expressionIn(text, "input", "context", "result", "errorOutput")
		if err != nil {
			return
		}
		v, err := decode(json.RawMessage(input))
		if err != nil {
			return
		}
		before, bad := encode(v)
		if bad != nil {
			return
		}
		got, err := e(map[string]any{"input": v, "result": v, "context": map[string]any{}}, map[string]any{})
		if after, bad := encode(v); bad != nil || string(after) != string(before) {
			t.Errorf("%s modifies its input", text)
		}
		if err == nil && got != undefined {
			if _, bad := encode(got); bad != nil && bad.name != ErrDataLimitExceeded {
				t.Errorf("%s returns %v, which is not JSON", text, got)
			}
		}
	})
}

// FuzzEncode: values are encoded as encoding/json does.
func FuzzEncode(f *testing.F) {
	for _, seed := range []string{
		`{"b":[1,-2.5,0,-0,1e21,9007199254740993,true,null,"<&>"],"a":{"":[],"é\u2028":"\"\\\n\u007f\ud800"}}`, `"x"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := decode(data)
		if err != nil {
			return
		}
		want, _ := appendAny(nil, v)
		if got, bad := encode(v); len(want) <= limit && (bad != nil || string(got) != string(want)) {
			t.Errorf("%s, %v, want %s", got, bad, want)
		}
	})
}
