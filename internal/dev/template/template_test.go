package template

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"orderflow/internal/verify/cfn"
)

func deploy(t *testing.T) fstest.MapFS {
	t.Helper()
	dir, copied := os.DirFS("../../../deploy"), fstest.MapFS{}
	names, err := fs.Glob(dir, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		copied[name] = &fstest.MapFile{Data: data}
	}
	return copied
}

func TestTemplateIsWrittenFromDeploy(t *testing.T) {
	if err := Check("../../.."); err != nil {
		t.Error(err)
	}
}

const added = `
  - function: brew-tea
    http: bearer
    table: [Query]
`

func TestNewOperationTakesAFewLinesOfOneFile(t *testing.T) {
	dir := deploy(t)
	ids := func() []string {
		templates, err := Write(dir)
		if err != nil {
			t.Fatal(err)
		}
		template, err := cfn.Parse(templates["template.yaml"])
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"ApiRole", "TokenKeysPolicy"} {
			described := strings.Contains(string(dir["notifications.yaml"].Data), added)
			if described != strings.Contains(flowOf(t, cfn.Dig(template, "Resources", id)), "BrewTea") {
				t.Errorf("%s does not follow deploy/notifications.yaml", id)
			}
		}
		return slices.Sorted(maps.Keys(template["Resources"].(map[string]any)))
	}
	before := ids()
	dir["notifications.yaml"].Data = append(dir["notifications.yaml"].Data, added...)
	var more []string
	for _, id := range ids() {
		if !slices.Contains(before, id) {
			more = append(more, id)
		}
	}
	if want := []string{"BrewTeaFunction", "BrewTeaRole"}; !slices.Equal(more, want) {
		t.Errorf("it adds %v, want %v", more, want)
	}
}

func TestNewFunctionLeavesTheOthersInTheirAlarms(t *testing.T) {
	stacks, err := read(deploy(t))
	if err != nil {
		t.Fatal(err)
	}
	s := stacks[0]
	for _, service := range s.Services {
		before := alarmOf(s)
		for range perAlarm { // one of them is the first of another alarm
			service.Functions = append(service.Functions, &function{Name: "brew-tea"})
		}
		after := alarmOf(s)
		for name, alarm := range before {
			if name != "brew-tea" && after[name] != alarm {
				t.Errorf("%s grows: %s moves from %s to %s", service.Name, name, alarm, after[name])
			}
		}
	}
}

func alarmOf(s *stack) map[string]string {
	all := map[string]string{}
	for _, service := range s.Services {
		for _, alarm := range service.Alarms() {
			for _, f := range alarm.Functions {
				all[f.Name] = alarm.ID
			}
		}
	}
	return all
}

func flowOf(t *testing.T, v any) string {
	t.Helper()
	text, err := flow(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestInvalidDeployFilesAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ fields, want string }{
		"no trigger":           {"timeout: 3", "has 0 of http, step, events, queue, schedule, kafka and rabbitmq"},
		"two triggers":         {"http: open, step: fulfil-order", "has 2 of"},
		"an unknown key":       {"http: open, tables: [GetItem]", "field tables not found"},
		"an unknown http":      {"http: cookie", `http is "cookie"`},
		"an unknown machine":   {"step: brew", `unknown state machine "brew"`},
		"a gradual step":       {"step: fulfil-order, release: gradual", `release is "gradual"`},
		"no bulkhead":          {"http: open, looksUp: [kettle]", "looksUp is for functions that check"},
		"a table of no one":    {"http: open, table: [GetItem]", "fulfilment has no table"},
		"an unknown action":    {"http: open, table: [Querry]", "table is [Querry]"},
		"a grant in lowercase": {"http: open, grants: [{action: x}]", "field action not found"},
	} {
		dir := deploy(t)
		dir["fulfilment.yaml"].Data = []byte("functions: [{function: brew-tea, " + tt.fields + "}]")
		if _, err := Write(dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestSubscriptionKeepsItsIDWhenAnotherIsAdded(t *testing.T) {
	f := function{Name: "brew-tea", Service: &service{}}
	f.Events = []event{{From: "kettle"}, {From: "pot"}, {From: "cup", Name: "FromCup"}}
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"Subscription", "SubscriptionToPot", "FromCup"} {
		if got := f.Events[i].ID; got != want {
			t.Errorf("%s is called %s, want %s", f.Events[i].From, got, want)
		}
	}
}
