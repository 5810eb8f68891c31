package asl_test

import (
	"slices"
	"testing"

	"orderflow/internal/platform/asl"
)

func TestReadsListsFieldsOfConditionsAndOutputs(t *testing.T) {
	text := task{
		arguments: `{"FunctionName":"f","Payload":{"a":"{% $states.input.onlyPassedOn %}"}}`,
		output: `{"x":["{% ($v := $states.input.assigned;` +
			` $exists($v) ? [$states.input.then] : {'k': $states.input.otherwise}) %}"]}`,
		catch: `{"ErrorEquals":["A"],"Next":"Good",
			"Output":"{% $merge([$states.input, {'e': $count($states.input.counted) > 1}]) %}"}`,
	}.definition()
	m, err := asl.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Reads(); !slices.Equal(got, []string{"assigned", "bad", "counted", "otherwise", "then", "worse"}) {
		t.Errorf("got %v", got)
	}
}
