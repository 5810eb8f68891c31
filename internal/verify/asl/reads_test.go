package asl_test

import (
	"slices"
	"testing"

	"orderflow/internal/verify/asl"
)

func TestReadsAreWhatConditionsAndOutputsName(t *testing.T) {
	text := task{
		arguments: `{"FunctionName":"f","Payload":{"a":"{% $states.input.onlyHandedOn %}"}}`,
		output:    `{"x":["{% ($v := $states.input.assigned; $exists($v) ? [$states.input.then] : {'k': $states.input.otherwise}) %}"]}`,
		catch:     `{"ErrorEquals":["A"],"Output":"{% $merge([$states.input, {'e': $count($states.input.counted) > 1}]) %}","Next":"Good"}`,
	}.definition()
	m, err := asl.Parse([]byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Reads(); !slices.Equal(got, []string{"assigned", "bad", "counted", "otherwise", "then", "worse"}) {
		t.Errorf("got %v", got)
	}
}

// The exhaustive search leaves out of the compensation's input what its way does not depend on.
func TestCompensationDoesNotDependOnItsReason(t *testing.T) {
	if got := load(t, "compensate-order").Reads(); !slices.Equal(got, []string{"confirmed", "failures"}) {
		t.Errorf("it reads %v", got)
	}
}
