package main

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// ofOperator is a token of an operator; its signature is not verified here.
var ofOperator = "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"cognito:groups":["operator"]}`)) + ".s"

// parts are the answers about an order in a status, and about its parts.
func parts(status string) map[string][]string {
	return map[string][]string{
		"GET /v1/orders/" + order: {"200 " + orderIn(status, "null")},
		"GET /v1/orders/" + order + "/summary": {`200 {"order":{},` +
			`"payment":{"status":"CAPTURED","amount":{"currency":"EUR","amount":3998},` +
			`"refundedAmount":{"currency":"EUR","amount":500}},` +
			`"reservations":{"status":"RESERVED","items":[{"sku":"MUG","quantity":2}]},` +
			`"shipment":{"error":{"code":"Unavailable","detail":"shipping did not answer in time"}}}`},
	}
}

func TestCustomerSeesAnOrderWithItsParts(t *testing.T) {
	out, _, err := run(t, serve(t, parts("PENDING")), "order", "get", order, "--user", "alice")
	const want = "payment   CAPTURED, 39.98 EUR paid, 5.00 EUR refunded\nstock     RESERVED, 2 × MUG\n" +
		"shipment  (Unavailable: shipping did not answer in time)\nnext      orderflow order watch " + order + "\n"
	if err != nil || !strings.HasSuffix(out, want) {
		t.Errorf("%s, %v, want the end\n%s", out, err, want)
	}
	out, _, err = run(t, serve(t, parts("CONFIRMED")), "order", "get", order, "-o", "json")
	var got struct {
		OrderID, Next string
		Payment       struct{ Status string }
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil || got.OrderID != order || got.Next != "" ||
		got.Payment.Status != "CAPTURED" {
		t.Errorf("%s, %v", out, err)
	}
}

func TestAnOrderShowsWhatItsCustomerMustDo(t *testing.T) {
	answers := parts("PENDING")
	answers["GET /v1/orders/"+order] = []string{"200 " + strings.Replace(orderIn("PENDING", "null"), "{",
		`{"nextAction":{"type":"AUTHENTICATE","url":"https://bank.test/1","until":"2026-11-23T09:10:00Z"},`, 1)}
	out, _, err := run(t, serve(t, answers), "order", "get", order, "--user", "alice")
	const want = "AUTHENTICATE until 2026-11-23T09:10:00Z: https://bank.test/1"
	if err != nil || !strings.Contains(out, want) {
		t.Errorf("%s, %v, want %s", out, err, want)
	}
}

// operated are the answers of AWS about an order whose saga has these events.
func operatedOrder(status, events string) map[string][]string {
	answers := parts(status)
	maps.Copy(answers, map[string][]string{
		"GetExecutionHistory": {`200 {"events":[` + events + `]}`, none},
		"DescribeStateMachineForExecution": {
			`200 {"definition":"{\"States\":{\"AwaitShipment\":{\"TimeoutSeconds\":120}}}"}`},
		"GetItem": {`200 {"Item":{"version":{"N":"1"},"orderId":{"S":"` + order + `"},"customerId":{"S":"cust-1"},` +
			`"detail":{"S":"why it is so"}}}`},
		"BatchGetItem": {`200 {"Responses":{"x-notifications":[{"sk":{"S":"mail#needs-attention"},` +
			`"mailStatus":{"S":"SENT"},"expiresAt":{"N":"1800000000"}}]}}`},
		"FilterLogEvents": {`200 {"events":[{"message":"{\"id\":\"1\",\"user\":\"olga\",\"what\":\"order retry\",` +
			`\"subject\":\"` + order + `\",\"why\":\"INC-1\",\"outcome\":\"done\"}"}]}`},
	})
	return answers
}

// event is an event of a history at a time, with details.
func event(at time.Time, kind, details string) string {
	b, _ := json.Marshal(float64(at.UnixMilli()) / 1000)
	return `{"id":1,"timestamp":` + string(b) + `,"type":"` + kind + `"` + details + `}`
}

func TestOperatorSeesWhatAnOrderWaitsFor(t *testing.T) {
	began := time.Now().Add(-time.Minute).Truncate(time.Second).UTC()
	entered := event(began, "ExecutionStarted", "") + "," + event(began, "TaskStateEntered",
		`,"stateEnteredEventDetails":{"name":"AwaitShipment"}`) + "," + event(began, "TaskScheduled",
		`,"taskScheduledEventDetails":{"resource":"invoke.waitForTaskToken"}`)
	failed := entered + "," + event(began, "TaskFailed",
		`,"taskFailedEventDetails":{"error":"CircuitOpen","cause":"the circuit of carrier is open"}`)
	for _, tt := range []struct {
		status, events string
		want           []string
	}{
		{"PENDING", entered, []string{
			"now       AwaitShipment waits for the callback, for 1m",
			"until " + began.Add(2*time.Minute).Format(time.RFC3339),
			"customer  cust-1\ndetail    why it is so", "mail      2026-10-17T", "needs-attention sent",
			"olga: order retry, done: INC-1", "next      orderflow order watch " + order}},
		{"PENDING", failed, []string{"AwaitShipment waits for try 2, for 1m", "CircuitOpen: the circuit of carrier",
			"next      orderflow circuit list"}},
		{"NEEDS_ATTENTION", failed + "," + event(began, "ExecutionFailed", ""), []string{
			"failed    AwaitShipment, 1×: CircuitOpen: the circuit", "next      orderflow order retry " + order}},
		{"CONFIRMED", entered + "," + event(began, "ExecutionSucceeded", ""), nil},
	} {
		b := serve(t, operatedOrder(tt.status, tt.events))
		out := runStackAs(t, b, ofOperator, "order", "get", order)
		if !contains(out, tt.want...) || !strings.HasSuffix(out, "<nil>") ||
			strings.Contains(out, "\nnext") != (tt.status != "CONFIRMED") {
			t.Errorf("%s: %s\nwant %q", tt.status, out, tt.want)
		}
	}
}

// Nothing has failed while the customer has time.
func TestOperatorSeesThatTheCustomerMustAct(t *testing.T) {
	began := time.Now().Add(-time.Minute).UTC()
	answers := operatedOrder("PENDING", event(began, "ExecutionStarted", "")+","+
		event(began, "TaskStateEntered", `,"stateEnteredEventDetails":{"name":"Prepare"}`)+","+
		event(began, "TaskScheduled", `,"taskScheduledEventDetails":{"resource":"startExecution.waitForTaskToken"}`)+","+
		event(began, "TaskFailed", `,"taskFailedEventDetails":{"error":"PaymentActionRequired","cause":"asked"}`)+","+
		event(began, "TaskStateExited", `,"stateExitedEventDetails":{"name":"Prepare"}`)+","+
		event(began, "TaskStateEntered", `,"stateEnteredEventDetails":{"name":"AwaitPayment"}`)+","+
		event(began, "TaskScheduled", `,"taskScheduledEventDetails":{"resource":"invoke.waitForTaskToken",`+
			`"timeoutInSeconds":630}`))
	answers["GET /v1/orders/"+order] = []string{"200 " + strings.Replace(orderIn("PENDING", "null"), "{",
		`{"nextAction":{"type":"AUTHENTICATE","url":"https://bank.test/1","until":"2026-11-23T09:10:00Z"},`, 1)}
	out := runStackAs(t, serve(t, answers), ofOperator, "order", "get", order)
	if !contains(out, "AwaitPayment waits for the callback, for 1m0s, until "+
		began.Add(630*time.Second).Format(time.RFC3339), "orderflow order watch "+order+" --timeout 12m") ||
		strings.Contains(out, "\nfailed") {
		t.Error(out)
	}
}

func TestOperatorSeesWhyAnOrderHasNoSaga(t *testing.T) {
	answers := queued("61", operatedOrder("PENDING", ""))
	answers["GetExecutionHistory"] = []string{none}
	answers[listSources] = []string{sources("Enabled OK", "Disabled ")}
	out := runStackAs(t, serve(t, answers), ofOperator, "order", "get", order)
	if !contains(out, "saga      none: it was placed and published, but not picked up", "next      orderflow health") {
		t.Error(out)
	}
}

func TestPartsThatCannotBeReadAreNamed(t *testing.T) {
	answers := parts("PENDING")
	answers["POST /"] = []string{`400 {"__type":"AccessDeniedException","message":"no"}`}
	out := runStackAs(t, serve(t, answers), ofOperator, "order", "get", order)
	for _, part := range []string{"the saga", "the order's item", "mails", "the audit log"} {
		if !strings.Contains(out, "cannot read "+part) {
			t.Errorf("%s is not named: %s", part, out)
		}
	}
	answers["POST /"] = []string{`400 {"__type":"UnknownOperationException","message":"no"}`}
	out = runStackAs(t, serve(t, answers), ofOperator, "order", "get", order)
	if strings.Contains(out, "cannot read") || !slices.Contains(strings.Split(out, "\n"), "status    PENDING") {
		t.Errorf("a process, which has none of them: %s", out)
	}
}
