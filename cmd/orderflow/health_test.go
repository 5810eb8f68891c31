package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHealthShowsThePartsOfEachService(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/health": {`200 {"status":"warn","services":[` +
		`{"serviceId":"orders","status":"pass","tookMs":31,"checks":[{"name":"table","status":"pass","tookMs":4}]},` +
		`{"serviceId":"shipping","status":"warn","tookMs":40,"checks":[` +
		`{"name":"breaker:carrier","status":"warn","code":"CircuitOpen","tookMs":5}]}]}`}})
	out, _, err := run(t, b, "health")
	want := "SERVICE   PART             STATUS  CODE         MS\n" +
		"orders    table            pass    -            4\n" +
		"shipping  breaker:carrier  warn    CircuitOpen  5\n"
	if err != nil || out != want || !slices.Equal(b.tokens, []string{"olga/operator"}) {
		t.Errorf("as %v, %v:\n%s", b.tokens, err, out)
	}
}

// runStack runs a command line for a stack x whose API and whose AWS are b.
func runStack(t *testing.T, b *backend, args ...string) string {
	t.Helper()
	return runStackBy(t, b, "functions", args...)
}

// runStackBy is runStack for a stack with a value of EventsBy.
func runStackBy(t *testing.T, b *backend, eventsBy string, args ...string) string {
	t.Helper()
	return runStackWith(t, b, eventsBy, "t", args...)
}

// runStackAs is runStack with a token.
func runStackAs(t *testing.T, b *backend, token string, args ...string) string {
	t.Helper()
	return runStackWith(t, b, "functions", token, args...)
}

func runStackWith(t *testing.T, b *backend, eventsBy, token string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	writeStack(t, dir, `{"ApiUrl":"`+b.url+`","EndpointUrl":"`+b.url+`","Region":"us-east-1","EventsBy":"`+eventsBy+`","TeaTableName":"x-tea",`+
		`"FulfilOrderArn":"arn:aws:states:us-east-1:000000000000:stateMachine:x-fulfil-order",`+
		`"CompensateOrderArn":"arn:aws:states:us-east-1:000000000000:stateMachine:x-compensate-order"}`)
	t.Chdir(dir)
	out, errs, err := runHere(map[string]string{}, append(args, "--token", token)...)
	return fmt.Sprint(out, errs, err)
}

// sources are a stack's event sources, as Lambda lists them; one is of another stack. Without a
// state start-fulfilment has none.
func sources(relay, start string) string {
	source := func(function, from, state string) string {
		state, result, _ := strings.Cut(state, " ")
		return `{"FunctionArn":"arn:aws:lambda:r:0:function:` + function + `","EventSourceArn":"arn:aws:` + from +
			`","State":"` + state + `","LastProcessingResult":"` + result + `"}`
	}
	all := `200 {"EventSourceMappings":[` + source("x-relay-orders-events", "dynamodb:r:0:table/x/stream/1", relay)
	if start != "" {
		all += "," + source("x-start-fulfilment", "sqs:r:0:x-start-fulfilment", start)
	}
	return all +
		"," + source("xy-start-fulfilment", "sqs:r:0:xy-start-fulfilment", "Disabled") + `]}`
}

const listSources = "GET /2015-03-31/event-source-mappings/?MaxItems=100"

// queued are the answers of SQS and CloudWatch about a queue with two messages, the oldest of that
// age in seconds, and about dead-letter queues, which are empty.
func queued(age string, answers map[string][]string) map[string][]string {
	answers["ListQueues"] = []string{`200 {"QueueUrls":["http://q/0/x-start-fulfilment","http://q/0/x-notify-dlq"]}`}
	answers["GetQueueAttributes"] = []string{`200 {"Attributes":{"ApproximateNumberOfMessages":"2"}}`}
	answers["GetMetricData"] = []string{"200 <R><GetMetricDataResult><MetricDataResults><member><Id>q0</Id>" +
		"<Values><member>" + age + ".0</member><member>1.0</member></Values>" +
		"</member></MetricDataResults></GetMetricDataResult></R>"}
	return answers
}

func TestHealthShowsEventSourcesThatDoNotWork(t *testing.T) {
	for _, tt := range []struct{ relay, start, want string }{
		{"Enabled OK", "Enabled ", "start-fulfilment     Enabled   2    1m1s    -"},
		{"Enabled OK", "Disabled ", "start-fulfilment     Disabled  2    1m1s    -"},
		{"Enabled PROBLEM: no access", "Enabled ", "relay-orders-events  Enabled  0    -    PROBLEM: no access"},
	} {
		b := serve(t, queued("61", map[string][]string{"GET /v1/health": {`200 {"status":"pass","services":[]}`},
			listSources: {sources(tt.relay, tt.start)}}))
		out := runStack(t, b, "health")
		works := !strings.Contains(tt.relay+tt.start, "PROBLEM") && tt.start != "Disabled "
		if works != strings.HasSuffix(out, "<nil>") || strings.Contains(out, "xy") ||
			!strings.Contains(strings.Join(strings.Fields(out), " "), strings.Join(strings.Fields(tt.want), " ")) {
			t.Errorf("%s, %s: %s", tt.relay, tt.start, out)
		}
	}
}

func TestMessagesThatWaitTooLongAreAFailure(t *testing.T) {
	for age, fails := range map[string]bool{"299": false, "301": true} {
		b := serve(t, queued(age, map[string][]string{"GET /v1/health": {`200 {"status":"pass","services":[]}`},
			listSources: {sources("Enabled OK", "Enabled OK")}, "Query": {`200 {"Items":[]}`}, "GetItem": {"200 {}"}}))
		if out := runStack(t, b, "health"); strings.Contains(out, "messages wait for too long") != fails {
			t.Errorf("after %s s: %s", age, out)
		}
	}
}

func TestEventsThatWaitTooLongInAnOutboxAreAFailure(t *testing.T) {
	for age, fails := range map[time.Duration]bool{time.Minute: false, 3 * time.Minute: true} {
		b := serve(t, queued("1", map[string][]string{"GET /v1/health": {`200 {"status":"pass","services":[]}`},
			listSources: {sources("Enabled OK", "Enabled OK")}, "Query": {`200 {"Items":[]}`},
			"GetItem": {`200 {"Item":{"since":{"S":"` + time.Now().Add(-age).UTC().Format(time.RFC3339Nano) + `"}}}`}}))
		out := runStack(t, b, "health")
		if !strings.Contains(out, "the outbox of tea has waited for its relay for "+age.String()) ||
			strings.Contains(out, "events wait for too long") != fails {
			t.Errorf("after %s: %s", age, out)
		}
	}
}

func TestSourcesThatEventsByTurnsOffAreNoFailure(t *testing.T) {
	const process, draining = "a process handles this stage's events", "draining: no saga begins"
	for _, tt := range []struct{ by, relay, start, want string }{
		{"process", "Disabled PROBLEM: before", "Disabled ", process},
		{"draining", "Enabled OK", "Disabled ", draining},
		{"draining", "Disabled ", "Disabled ", ""},
		{"functions", "Enabled OK", "Disabled ", ""},
	} {
		b := serve(t, queued("61", map[string][]string{"GET /v1/health": {`200 {"status":"pass","services":[]}`},
			listSources: {sources(tt.relay, tt.start)}}))
		out := runStackBy(t, b, tt.by, "health")
		if works := strings.HasSuffix(out, "<nil>"); works != (tt.want != "") || !strings.Contains(out, tt.want) {
			t.Errorf("health, %v: %s", tt, out)
		}
		b = serve(t, queued("61", map[string][]string{"GET /v1/orders/" + order: {"200 " + orderIn("PENDING", "null")},
			listSources: {sources(tt.relay, tt.start)}, "POST /": {none}}))
		out = runStackBy(t, b, tt.by, "saga", "show", order)
		if off := strings.Contains(out, "is Disabled"); off != (tt.want == "") || !strings.Contains(out, tt.want) {
			t.Errorf("saga show, %v: %s", tt, out)
		}
	}
}

func TestOrderWithoutASagaSaysWhereItStopped(t *testing.T) {
	for _, tt := range []struct{ relay, start, want string }{
		{"Disabled ", "Enabled ", "not published: the event source of relay-orders-events is Disabled"},
		{"Enabled OK", "Disabled ", "event source of start-fulfilment is Disabled, messages waiting: 2"},
		{"Enabled OK", "", "event source of start-fulfilment is missing, messages waiting: 0"},
		{"Enabled OK", "Enabled ", "sweep-orders gets it started after 30 minutes"},
	} {
		b := serve(t, queued("61", map[string][]string{"GET /v1/orders/" + order: {"200 " + orderIn("PENDING", "null")},
			listSources: {sources(tt.relay, tt.start)}, "POST /": {none}}))
		if out := runStack(t, b, "saga", "show", order); !strings.Contains(out, tt.want) {
			t.Errorf("%s, %s: %s", tt.relay, tt.start, out)
		}
	}
	ended := serve(t, map[string][]string{"GET /v1/orders/" + order: {"200 " + orderIn("CONFIRMED", "null")},
		"POST /": {none}})
	if out := runStack(t, ended, "saga", "show", order); !contains(out, "CONFIRMED, has no saga: no execution of it") {
		t.Errorf("an order that is over: %s", out)
	}
	b := serve(t, map[string][]string{"GET /v1/orders/" + order: {`404 {"status":404,"code":"OrderNotFound"}`},
		"POST /": {none}})
	if out := runStack(t, b, "saga", "show", order); !strings.Contains(out, "there is no order "+order) {
		t.Errorf("an unknown order: %s", out)
	}
}

func TestLogsOfAnOrderAreOfAllFunctions(t *testing.T) {
	line := func(at, text string) string {
		return `{"message":"{\"time\":\"2026-01-02T03:04:0` + at + `Z\",\"level\":\"WARN\",` + text + `"}`
	}
	b := serve(t, map[string][]string{"POST /": {
		`200 {"logGroups":[{"logGroupName":"/orderflow/x/orders"},{"logGroupName":"/orderflow/x/payments"}]}`,
		`200 {"events":[` + line("7", `\"function\":\"x-get-order\",\"msg\":\"late\"}`) + `]}`,
		`200 {"events":[` + line("5", `\"function\":\"x-void-payment\",\"msg\":\"no\",\"error\":\"E\"}`) +
			"," + line("6", `\"_aws\":{},\"orderId\":\"`+order+`\"}`) + `]}`,
	}})
	out := runStack(t, b, "logs", order)
	want := "2026-01-02T03:04:05.000Z  WARN   void-payment  no: E\n" +
		"2026-01-02T03:04:07.000Z  WARN   get-order     late\n"
	if !strings.Contains(out, want) || strings.Contains(out, "04:06") {
		t.Errorf("%s\nwant %s", out, want)
	}
	if !strings.Contains(b.requests[2], order) {
		t.Errorf("it asks for %s", b.requests[2])
	}
}

func TestHealthExitsWith1IfSomethingFails(t *testing.T) {
	b := serve(t, map[string][]string{"GET /v1/health": {`200 {"status":"fail","services":[` +
		`{"serviceId":"catalog","status":"fail","code":"Timeout","tookMs":2000,"checks":[]}]}`}})
	out, _, err := run(t, b, "health")
	if err == nil || exitCode(err) != exitFailure ||
		!strings.Contains(out, "catalog  (no answer)  fail    Timeout  2000") {
		t.Errorf("%v:\n%s", err, out)
	}
}
