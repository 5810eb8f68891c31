package stepfunctions

import "testing"

func TestAnExecutionIsNamedWithoutTheAliasThatItWasStartedBy(t *testing.T) {
	const machine = "arn:aws:states:eu-central-1:000000000000:stateMachine:orderflow-fulfil-order"
	for _, arn := range []string{machine, machine + ":live", machine + ":3"} {
		if got, want := execution(arn, "o-1"), "arn:aws:states:eu-central-1:000000000000:execution:orderflow-fulfil-order:o-1"; got != want {
			t.Errorf("of %s: %s, want %s", arn, got, want)
		}
	}
}
