package differential

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/casing"
)

// scripted is a case with given results of tasks.
type scripted struct {
	Name    string // of the execution and the order
	Machine string
	Input   string
	// Answers are what each function gives, attempt by attempt; the last one for all further
	// attempts. A function without any succeeds.
	Answers map[string][]scriptedAnswer
	// Tokens are what whoever holds the task token of a function's call answers, call by call.
	Tokens map[string][]scriptedAnswer
	// Compensated: the order's compensation was started before.
	Compensated bool
}

type scriptedAnswer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// anew returns the same case for another order.
func (c scripted) anew() scripted {
	name := c.Name + "-anew"
	c.Input = strings.ReplaceAll(c.Input, `"`+c.Name+`"`, `"`+name+`"`)
	c.Name = name
	return c
}

// run is the result of a case.
type run struct {
	States []string // entered, with their inputs
	Calls  []string // of functions, in the order of the functions' names, with their payloads
	Status string
	Output string
	Error  string
}

func gives(result string) scriptedAnswer { return scriptedAnswer{Result: json.RawMessage(result)} }
func fails(name string) scriptedAnswer   { return scriptedAnswer{Error: name} }

func fulfilInput(order string) string {
	return fmt.Sprintf(`{"orderId":%q,"customerId":"c-ü","items":[{"sku":"A","quantity":2}],"total":{"currency":"EUR","amount":123456789},
		"paymentMethod":"pm_card_visa","shippingAddress":{"name":"N","line1":"L","city":"C","postalCode":"1","country":"DE"},"traceparent":""}`, order)
}

func compensateInput(order string) string {
	return fmt.Sprintf(`{"orderId":%q,"customerId":"c","total":{"currency":"EUR","amount":1},"reason":"TIMED_OUT","failedStep":"CapturePayment","traceparent":"00-a-b-01"}`, order)
}

// givenUp is a compensation that goes straight to FlagOrder.
func givenUp(name string) scripted {
	input := strings.Replace(compensateInput(name), `"traceparent"`,
		`"failures":{"compensate-order":"CompensationExhausted"},"traceparent"`, 1)
	return scripted{Name: name, Machine: "compensate-order", Input: input}
}

// cases returns the relevant cases, and as many random ones.
func cases(t *testing.T, random int) []scripted {
	booked := []scriptedAnswer{gives(`{"trackingNumber":"T"}`)}
	fulfil := func(name string, answers map[string][]scriptedAnswer, tokens ...scriptedAnswer) scripted {
		if tokens == nil {
			tokens = booked
		}
		return scripted{Name: name, Machine: "fulfil-order", Input: fulfilInput(name), Answers: answers,
			Tokens: map[string][]scriptedAnswer{"AwaitShipment": tokens}}
	}
	undo := func(name string, answers map[string][]scriptedAnswer) scripted {
		if answers == nil {
			answers = map[string][]scriptedAnswer{}
		}
		if answers["CloseOrder"] == nil {
			answers["CloseOrder"] = []scriptedAnswer{gives(`{"confirmed":false}`)}
		}
		return scripted{Name: name, Machine: "compensate-order", Input: compensateInput(name), Answers: answers}
	}
	one := func(function string, answers ...scriptedAnswer) map[string][]scriptedAnswer {
		return map[string][]scriptedAnswer{function: answers}
	}
	// asked is an order whose customer must act, and what the provider says after they have, or not
	asked := func(name string, noticed scriptedAnswer, then ...scriptedAnswer) scripted {
		c := fulfil(name, one("AuthorizePayment", append([]scriptedAnswer{fails("PaymentActionRequired")}, then...)...))
		c.Tokens["AwaitPayment"] = []scriptedAnswer{noticed}
		return c
	}
	list := []scripted{
		fulfil("confirmed", nil),
		fulfil("out-of-stock", one("ReserveStock", fails("OutOfStock"))),
		fulfil("retried",
			one("CapturePayment", fails("Transient"), fails("Lambda.Unknown"), fails("States.Timeout"), gives(`{}`))),
		fulfil("retries-used-up", one("AuthorizePayment", fails("Transient"))),
		fulfil("unknown-error-is-final", one("CommitStock", fails("Surprise"), gives(`{}`))),
		fulfil("refused", nil, fails("ShipmentRefused")),
		fulfil("token-fails-transiently", nil, fails("Transient"), gives(`{}`)),
		fulfil("silent-carrier", nil, fails("States.Timeout")),
		asked("customer-acts", gives(`{}`), gives(`{}`)),
		asked("customer-acts-unnoticed", fails("States.Timeout"), gives(`{}`)),
		asked("customer-acts-in-vain", gives(`{}`), fails("Transient"), fails("PaymentDeclined")),
		asked("customer-goes-away", fails("States.Timeout"), fails("PaymentAbandoned")),
		asked("customer-is-asked-twice", gives(`{}`)),
		asked("waiting-fails", fails("Surprise")),
		fulfil("data-limit", one("ConfirmOrder", fails("States.DataLimitExceeded"))),
		fulfil("null-result", one("ReserveStock", gives(`null`))),
		undo("undone", nil),
		undo("was-confirmed", one("CloseOrder", gives(`{"confirmed":true}`))),
		undo("close-fails", one("CloseOrder", fails("Transient"))),
		undo("one-undo-fails", one("VoidPayment", fails("Transient"))),
		undo("all-undos-fail", map[string][]scriptedAnswer{
			"CancelShipment": {fails("A")}, "VoidPayment": {fails("B")}, "ReleaseStock": {fails("C")},
			"FlagOrder": {fails("D"), gives(`{}`)},
		}),
		undo("reject-fails", one("RejectOrder", fails("Transient"))),
		undo("nothing-works", map[string][]scriptedAnswer{"RejectOrder": {fails("A")}, "FlagOrder": {fails("B")}}),
		orphaned(undo("close-says-nothing", one("CloseOrder", gives(`{}`)))),
	}
	exists := fulfil("compensated-before", one("CommitStock", fails("StepCompensated")))
	exists.Compensated = true
	missing := fulfil("no-total", nil)
	missing.Input = strings.Replace(missing.Input, `"total"`, `"sum"`, 1)
	null := fulfil("nulls-and-empty-lists", nil)
	null.Input = strings.Replace(strings.Replace(null.Input, `"traceparent":""`, `"traceparent":null`, 1),
		`[{"sku":"A","quantity":2}]`, `[]`, 1)
	list = append(list, exists, missing, null, givenUp("given-up"))

	r := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		c := fulfil(fmt.Sprintf("random-%d", i), map[string][]scriptedAnswer{})
		if i%2 == 1 {
			c = undo(c.Name, nil)
			c.Tokens = map[string][]scriptedAnswer{}
		}
		for _, f := range functionsOf(t, c.Machine) {
			if f == "AwaitShipment" || f == "AwaitPayment" || r.IntN(3) > 0 {
				continue
			}
			c.Answers[f] = append(failures(r), success(f))
		}
		c.Tokens["AwaitShipment"] = append(failures(r)[:r.IntN(2)], booked...)
		c.Tokens["AwaitPayment"] = []scriptedAnswer{gives(`{}`)}
		list = append(list, c)
	}
	return list
}

// orphaned returns a compensation's case for its child alone, which nobody waits for.
func orphaned(c scripted) scripted {
	c.Machine = "undo-order"
	c.Input = strings.Replace(c.Input, `"traceparent"`, `"taskToken":"none","traceparent"`, 1)
	return c
}

// failures draws errors, which may exhaust the retries.
func failures(r *rand.Rand) []scriptedAnswer {
	names := []string{"Transient", "Transient", "Lambda.TooManyRequestsException", "Sandbox.Timedout", "States.Timeout",
		"OutOfStock", "StepCompensated", "PaymentActionRequired"}
	list := make([]scriptedAnswer, 1+r.IntN(9))
	for i := range list {
		list[i] = fails(names[r.IntN(len(names))])
	}
	return list
}

func success(function string) scriptedAnswer {
	if function == "CloseOrder" {
		return gives(`{"confirmed":false}`)
	}
	return gives(`{"status":"DONE"}`)
}

func parse(t testing.TB, machine string) *asl.Machine {
	t.Helper()
	target := func(name string) string {
		if machine, ok := strings.CutSuffix(name, "Arn"); ok {
			return casing.Kebab(machine)
		}
		return strings.TrimSuffix(name, "Function")
	}
	m, err := asl.Parse(asl.Substitute(definition(t, machine), target))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func functionsOf(t testing.TB, machine string) []string {
	t.Helper()
	names := map[string]bool{}
	for _, s := range parse(t, machine).States {
		switch {
		case s.Resource == asl.StatesStartAndWait:
			for _, name := range functionsOf(t, s.Target) {
				names[name] = true
			}
		case s.Type == asl.Task && s.Target != "" && s.Resource != asl.StatesStart:
			names[s.Target] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// children are the machines whose executions others wait for.
var children = []string{"prepare-order", "settle-order", "undo-order"}

// call formats a call of a function with its payload, without the token, which always differs. Keys
// of JSON within JSON ($string) keep the emulator's order, which the interpreter does not know.
func call(t testing.TB, function, payload string) string {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(payload), &fields); err != nil {
		t.Fatalf("the payload of %s: %v", function, err)
	}
	delete(fields, "resumeToken")
	withoutTimes(fields)
	if detail, ok := fields["detail"].(string); ok && strings.HasPrefix(detail, "{") {
		fields["detail"] = canonical(t, detail)
	}
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return function + " " + string(b)
}

// comparable returns a state's input without what always differs: tokens, times, causes after the
// name of the step, and the order of keys of JSON within JSON.
func comparable(t testing.TB, input string) string {
	t.Helper()
	var fields map[string]any
	if json.Unmarshal([]byte(input), &fields) != nil {
		return canonical(t, input)
	}
	delete(fields, "taskToken")
	withoutTimes(fields)
	if cause, ok := fields["cause"].(string); ok {
		fields["cause"], _, _ = strings.Cut(cause, ":")
	}
	if failures, ok := fields["failures"].(string); ok {
		fields["failures"] = canonical(t, failures)
	}
	b, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// withoutTimes leaves only the names of steps that began or failed.
func withoutTimes(fields map[string]any) {
	for _, name := range []string{"began", "causes"} {
		if steps, ok := fields[name].(map[string]any); ok {
			fields[name] = slices.Sorted(maps.Keys(steps))
		}
	}
}

// canonical returns JSON with sorted keys.
func canonical(t testing.TB, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
