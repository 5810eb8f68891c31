package stepfunctions

import "testing"

func TestExecutionARNHasNoAlias(t *testing.T) {
	const machine = "arn:aws:states:eu-central-1:000000000000:stateMachine:orderflow-fulfil-order"
	for _, arn := range []string{machine, machine + ":live", machine + ":3"} {
		const want = "arn:aws:states:eu-central-1:000000000000:execution:orderflow-fulfil-order:o-1"
		if got := executionARN(arn, "o-1"); got != want {
			t.Errorf("%s: %s, want %s", arn, got, want)
		}
	}
}
