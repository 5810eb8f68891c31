package differential

import (
	"encoding/json"
	"slices"
	"testing"

	"orderflow/internal/platform/asl"
)

// differences are the emulator's known deviations from AWS; the interpreter behaves as AWS. If one
// of these fails, the emulator was corrected: remove it here and in docs/verification.md, and add
// it to the cases.
var differences = map[string]func(*testing.T, *emulator){
	"States.ALL covers States.DataLimitExceeded there": func(t *testing.T, em *emulator) {
		c := givenUp("all-covers")
		c.Answers = map[string][]scriptedAnswer{"FlagOrder": {fails(asl.ErrDataLimitExceeded)}}
		if there, here := em.run(t, c).count("FlagOrder"), interpret(t, c).count("FlagOrder"); there != 9 ||
			here != 1 {
			t.Errorf("the emulator makes %d attempts, the interpreter %d", there, here)
		}
	},
	"a condition need not be a Boolean there": func(t *testing.T, em *emulator) {
		c := orphaned(scripted{Name: "truthy", Input: compensateInput("truthy"),
			Answers: map[string][]scriptedAnswer{
				"CloseOrder": {gives(`{"confirmed":"yes"}`)},
			}})
		// There it goes on to report to a task that does not exist.
		if there, here := em.run(t, c), interpret(t, c); there.Error != "Sfn.TaskDoesNotExist" ||
			here.Error != asl.ErrQueryEvaluation {
			t.Errorf("the emulator ends %s, the interpreter %s", there.Error, here.Error)
		}
	},
	"the error of a function that got a task token goes unnoticed there": func(t *testing.T, em *emulator) {
		c := scripted{Name: "unnoticed", Machine: "fulfil-order", Input: fulfilInput("unnoticed"),
			Answers: map[string][]scriptedAnswer{
				"AwaitShipment": {fails("Transient"), gives(`{}`)},
			}, Tokens: map[string][]scriptedAnswer{"AwaitShipment": {gives(`{}`)}}}
		if there := em.run(t, c); there.count("AwaitShipment") != 1 || there.Status != "SUCCEEDED" {
			t.Errorf("the emulator makes %d attempts and ends %s", there.count("AwaitShipment"), there.Status)
		}
		x := awaiting(t, c)
		if err := x.Fail("Transient", ""); err != nil {
			t.Fatal(err)
		}
		if _, sleeps := x.Next().(asl.Sleep); !sleeps {
			t.Errorf("the interpreter goes on with %#v", x.Next())
		}
	},
	"each attempt has the same task token there": func(t *testing.T, em *emulator) {
		c := scripted{Name: "same-token", Machine: "fulfil-order", Input: fulfilInput("same-token"),
			Tokens: map[string][]scriptedAnswer{"AwaitShipment": {fails("Transient"), gives(`{}`)}}}
		em.run(t, c)
		var tokens []string
		for _, line := range em.raw(t, c.Name, "AwaitShipment") {
			var p struct{ ResumeToken string }
			if err := json.Unmarshal([]byte(line), &p); err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, p.ResumeToken)
		}
		if len(tokens) < 2 || len(slices.Compact(tokens)) != 1 {
			t.Errorf("the emulator's tokens are %q", tokens)
		}
		x := awaiting(t, c)
		first := x.Next().(asl.Invoke).Token
		if err := x.Fail("Transient", ""); err != nil {
			t.Fatal(err)
		}
		if err := x.Wake(); err != nil {
			t.Fatal(err)
		}
		if second := x.Next().(asl.Invoke).Token; first == second {
			t.Error("the interpreter gives the same token twice")
		}
	},
}

// awaiting is an execution in the interpreter that waits for a token.
func awaiting(t *testing.T, c scripted) *asl.Execution {
	t.Helper()
	x := parse(t, c.Machine).Start(c.Name, json.RawMessage(c.Input))
	for x.State() != "AwaitShipment" {
		if err := x.Succeed(json.RawMessage(`{}`)); err != nil {
			t.Fatal(err)
		}
	}
	return x
}
