package template

import (
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"orderflow/internal/platform/cfn"
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
		"a broker of the core": {"http: open, broker: true", `is not of its stack's broker ""`},
		"Kafka in the core":    {"kafka: {topics: [tea]}", `is not of its stack's broker ""`},
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

// tea is a service with a stack of its own that has everything such a stack can have.
const tea = `
stack: {description: Tea, broker: kafka, machines: [steep-tea], parameters: {Pot: {Type: String, Default: ""}}}
table: {}
publishes: true
functions:
  - {function: log-orders, events: [{from: orders, types: [a]}, {from: tea, types: [b]}], broker: true}
  - {function: read-log, kafka: {topics: [orderflow.orders.events, orderflow.tea.events], window: 1, retries: 5}}
  - {function: heat-water, step: steep-tea, calls: [kettle]}
  - {function: list-teas, http: bearer, audited: true}
resources:
  ColdAlarm: {Type: AWS::CloudWatch::Alarm, Properties: {AlarmActions: [!Ref AlarmTopic]}}
`

func stackOf(t *testing.T, text string) (map[string]any, string, error) {
	t.Helper()
	dir := deploy(t)
	dir["tea.yaml"] = &fstest.MapFile{Data: []byte(text)}
	templates, err := Write(dir)
	if err != nil {
		return nil, "", err
	}
	if string(templates["template.yaml"]) != string(must(os.ReadFile("../../../template.yaml"))) {
		t.Error("a service with a stack of its own changes the core's template")
	}
	written := templates["stacks/tea/template.yaml"]
	parsed, err := cfn.Parse(written)
	return parsed, string(written), err
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestStackOfItsOwnIsWholeAndNamesTheCore(t *testing.T) {
	template, text, err := stackOf(t, tea)
	if err != nil {
		t.Fatal(err)
	}
	resources := template["Resources"].(map[string]any)
	for _, id := range []string{
		"TeaTable", "TeaTopic", "LogOrdersQueue", "LogOrdersDeadLetterQueue", "LogOrdersSubscriptionToTea",
		"ReadLogOrdersKafkaSource", "ReadLogTeaKafkaSource", "ReadLogFailureQueue", "RelayTeaEventsSource", "SteepTea",
		"SteepTeaRole", "MachineLogs", "Api", "ApiRole", "TokenKeysPolicy", "EventQueuesPolicy",
		"EventDeadLetterQueuesPolicy", "RelaysFailureQueue", "SchedulesRole",
		"ColdAlarm",
		"TeaErrorsAlarm", "DeadLettersAlarm", "QueueAgeAlarm", "RelayFailuresAlarm",
	} {
		if resources[id] == nil {
			t.Errorf("it lacks %s", id)
		}
	}
	if cfn.Dig(template, "Parameters", "Pot") == nil || cfn.Dig(template, "Parameters", "ReservedConcurrency") == nil {
		t.Error("it lacks a parameter")
	}
	for _, id := range slices.Sorted(maps.Keys(resources)) { // a reference to what is not there is the core's
		for _, name := range references(resources[id]) {
			if resources[name] == nil && cfn.Dig(template, "Parameters", name) == nil &&
				!strings.HasPrefix(name, "AWS::") {
				t.Errorf("%s refers to %s", id, name)
			}
		}
	}
	for _, want := range []string{
		`${Core}-orders"`, `${Core}-alarms"`, "/orderflow/${Core}/operator-actions", `TopicArn: !Ref TeaTopic`, "${Core}-tea",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not name %s", want)
		}
	}
	dead := flowOf(t, cfn.Dig(resources["DeadLettersAlarm"], "Properties", "Metrics"))
	for _, queue := range []string{"SchedulesDeadLetterQueue", "LogOrdersDeadLetterQueue", "ReadLogFailureQueue"} {
		if !strings.Contains(dead, queue+".QueueName") {
			t.Errorf("no alarm watches %s", queue)
		}
	}
}

// references are the logical ids and parameters to which v refers.
func references(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for name, argument := range v {
			text, ok := argument.(string)
			if ok && (name == "Ref" || name == "Fn::GetAtt") {
				id, _, _ := strings.Cut(text, ".")
				all = append(all, id)
			}
			all = append(all, references(argument)...)
		}
	case []any:
		for _, item := range v {
			all = append(all, references(item)...)
		}
	}
	return all
}

func TestInvalidStacksOfTheirOwnAreRefused(t *testing.T) {
	for replaced, tt := range map[string]struct{ by, want string }{
		"broker: kafka,":        {"broker: pigeon,", "has a broker, kafka or rabbitmq"},
		"publishes: true":       {"address: true", "no address"},
		"audited: true":         {"release: gradual", `release is "gradual"`},
		"step: steep-tea":       {"step: fulfil-order", `unknown state machine "fulfil-order"`},
		"kafka: {topics":        {"rabbitmq: {topics", "field topics not found"},
		"calls: [kettle]":       {"rabbitmq: {queue: q, vhost: v}", "has 2 of"},
		"description: Tea,":     {"name: Tea,", "field name not found"},
		"window: 1, retries: 5": {"windows: 1", "field windows not found"},
	} {
		if _, _, err := stackOf(t, strings.Replace(tea, replaced, tt.by, 1)); err == nil ||
			!strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.by, err, tt.want)
		}
	}
}
