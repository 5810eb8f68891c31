package arch

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/platform/asl"
)

// undone runs compensate-order and returns the states it entered. CloseOrder answers confirmed, the
// state failing fails, and more is appended to the input.
func undone(t *testing.T, confirmed bool, failing, more string) []string {
	t.Helper()
	text, err := os.ReadFile("../../../statemachines/compensate-order.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse(asl.Substitute(text, func(name string) string { return name }))
	if err != nil {
		t.Fatal(err)
	}
	input := `{"orderId":"1","customerId":"c","total":1,"reason":"r","failedStep":"s","traceparent":""` + more + `}`
	x := m.Start("1", json.RawMessage(input))
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
				err = x.Succeed(json.RawMessage(fmt.Sprintf(`{"confirmed":%t}`, confirmed)))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiagramsLabelChoicesByTheirOutcome(t *testing.T) {
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
					t.Errorf("%s/%s: no run of this test answers %s", d.Name, name, answer)
					continue
				}
				if edge := name + " --> " + way[at+1] + ": " + answer + "\n"; !strings.Contains(d.Text, edge) {
					t.Errorf("%s lacks %q", d.Name, edge)
				}
			}
		}
	}
}
