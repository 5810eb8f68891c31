package arch

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/verify/asl"
)

// undone runs compensate-order, where CloseOrder answers confirmed and a state fails for good, and returns the way that it went.
// more is what its input has beside.
func undone(t *testing.T, confirmed bool, failing, more string) []string {
	t.Helper()
	text, err := os.ReadFile("../../../statemachines/compensate-order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]string{}
	for _, p := range asl.Placeholders(text) {
		functions[p] = p
	}
	m, err := asl.Parse(text, functions)
	if err != nil {
		t.Fatal(err)
	}
	x := m.Start("1", json.RawMessage(`{"orderId":"1","customerId":"c","total":1,"reason":"r","failedStep":"s","traceparent":""`+more+`}`))
	for {
		switch x.Next().(type) {
		case asl.Done:
			return x.Trace()
		case asl.Sleep:
			err = x.Wake()
		default:
			if x.State() == failing {
				err = x.Fail("Broken", "")
			} else {
				err = x.Succeed(json.RawMessage(map[bool]string{true: `{"confirmed":true}`, false: `{"confirmed":false}`}[confirmed]))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAChoiceIsDrawnAsItIsAnswered(t *testing.T) {
	r := load(t)
	answers := map[string]map[string][]string{
		"IsGivenUp":          {"yes": undone(t, false, "", `,"failures":{}`), "no": undone(t, false, "", "")},
		"WasConfirmed":       {"yes": undone(t, true, "", ""), "no": undone(t, false, "", "")},
		"IsEverythingUndone": {"yes": undone(t, false, "", ""), "no": undone(t, false, "VoidPayment", "")},
	}
	for _, d := range Diagrams(r)[:2] {
		for name, s := range r.Machines[d.Name].States {
			if s.Type != "Choice" {
				continue
			}
			for _, answer := range []string{"yes", "no"} {
				way := answers[name][answer]
				at := slices.Index(way, name)
				if at < 0 || at+1 == len(way) {
					t.Errorf("%s/%s: this test has no run in which the answer is %s", d.Name, name, answer)
					continue
				}
				if edge := name + " --> " + way[at+1] + ": " + answer + "\n"; !strings.Contains(d.Text, edge) {
					t.Errorf("%s lacks %q", d.Name, edge)
				}
			}
		}
	}
}
