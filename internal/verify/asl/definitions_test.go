// Package asl runs the definitions of statemachines/ with the interpreter of internal/platform/asl
// and checks what an order goes through.
package asl

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/orders"
	"orderflow/internal/payments"
	paymentsContract "orderflow/internal/payments/contract"
	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const order = `{"orderId":"01J","customerId":"c1","items":[{"sku":"A","quantity":2}],
	"total":{"currency":"EUR","amount":1999},
	"paymentMethod":"pm_card_visa",
	"shippingAddress":{"name":"N","line1":"L","city":"C","postalCode":"1","country":"DE"},"traceparent":""}`

func load(t testing.TB, name string) *asl.Machine {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "statemachines", name+".asl.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := asl.Parse(asl.Substitute(text, func(name string) string { return name }))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// drive answers effects until the execution is done, and runs the children for which it waits.
// answer returns a function's result or an error name.
func drive(t testing.TB, x *asl.Execution, answer func(asl.Effect) (output, fail string)) asl.Done {
	t.Helper()
	for range 1000 {
		var err error
		switch e := x.Next().(type) {
		case asl.Done:
			return e
		case asl.Sleep:
			err = x.Wake()
		case asl.AnswerTask:
			err = x.Succeed(json.RawMessage(`{}`))
		default:
			if child, ok := e.(asl.StartExecution); ok && child.Callback {
				err = reply(x, runChild(t, child, answer))
				break
			}
			output, fail := answer(e)
			err = reply(x, asl.AnswerTask{Output: json.RawMessage(output), Error: fail, Cause: "because"})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the execution does not end")
	return asl.Done{}
}

// reply answers the task of an execution.
func reply(x *asl.Execution, with asl.AnswerTask) error {
	if with.Error != "" {
		return x.Fail(with.Error, with.Cause)
	}
	return x.Succeed(with.Output)
}

// children are the machines whose executions others wait for.
var children = map[string]string{
	"PrepareOrderArn": "prepare-order", "SettleOrderArn": "settle-order", "UndoOrderArn": "undo-order",
}

// runChild runs a child and returns what it reports.
func runChild(t testing.TB, start asl.StartExecution, answer func(asl.Effect) (output, fail string)) asl.AnswerTask {
	t.Helper()
	x := load(t, children[start.MachineARN]).Start(start.Name, start.Input)
	for {
		switch e := x.Next().(type) {
		case asl.AnswerTask:
			if e.Token != start.Token {
				t.Fatalf("%s reports to %s, not to %s", start.Name, e.Token, start.Token)
			}
			return e
		case asl.Invoke:
			output, fail := answer(e)
			must(t, reply(x, asl.AnswerTask{Output: json.RawMessage(output), Error: fail, Cause: "because"}))
		default:
			t.Fatalf("%s: %+v", start.Name, e)
		}
	}
}

// A Standard workflow costs by the state: this is what an order costs.
func TestOrderIsFulfilledInThreeStates(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	var steps []string
	done := drive(t, x, func(e asl.Effect) (string, string) {
		steps = append(steps, e.(asl.Invoke).State)
		return `{"status":"ok"}`, ""
	})
	if done.Status != asl.Succeeded || !slices.Equal(x.Trace(), []string{"Prepare", "AwaitShipment", "Settle"}) {
		t.Errorf("%+v after %v", done, x.Trace())
	}
	want := []string{
		"ReserveStock", "AuthorizePayment", "ArrangeShipment", "AwaitShipment", "CapturePayment", "CommitStock",
		"ConfirmOrder",
	}
	if !slices.Equal(steps, want) {
		t.Errorf("the steps are %v", steps)
	}
}

// A child that does not report has failed no step: its cause names none.
func TestCompensationLearnsWhichStepFailed(t *testing.T) {
	for cause, want := range map[string]string{
		"AuthorizePayment: declined": "AuthorizePayment", "Rate exceeded": "Prepare", "": "Prepare",
	} {
		x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
		if err := x.Fail("PaymentDeclined", cause); err != nil {
			t.Fatal(err)
		}
		start, _ := x.Next().(asl.StartExecution)
		if want := `"failedStep":"` + want + `"`; !strings.Contains(string(start.Input), want) {
			t.Errorf("cause %q: the compensation gets %s", cause, start.Input)
		}
	}
}

func TestFailedStepHandsOverToCompensation(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	var started asl.StartExecution
	done := drive(t, x, func(e asl.Effect) (string, string) {
		switch e := e.(type) {
		case asl.StartExecution:
			started = e
		case asl.Invoke:
			if e.State == "AuthorizePayment" {
				return "", "PaymentDeclined"
			}
		}
		return `{}`, ""
	})
	if done.LastState != "StartCompensation" || started.Name != "01J" || started.MachineARN != "CompensateOrderArn" {
		t.Errorf("%+v, started %+v", done, started)
	}
	want := `{"customerId":"c1","failedStep":"AuthorizePayment","orderId":"01J","reason":"PAYMENT_DECLINED",` +
		`"shortages":"","total":{"amount":1999,"currency":"EUR"},"traceparent":""}`
	if string(started.Input) != want {
		t.Errorf("the compensation gets %s", started.Input)
	}
}

// The names are those of the services' errors, so a renamed error fails here.
func TestEachFailureHasTheReasonThatTheCustomerSees(t *testing.T) {
	for failure, want := range map[string]string{
		inventory.ErrOutOfStock.Code: "OUT_OF_STOCK", payments.ErrDeclined.Code: "PAYMENT_DECLINED",
		payments.ErrVoided.Code: "PAYMENT_VOIDED", payments.ErrAbandoned.Code: "PAYMENT_ABANDONED",
		"ShipmentRefused": "SHIPMENT_REFUSED", shipping.ErrCancelled.Code: "SHIPMENT_REFUSED",
		step.Transient: "TIMED_OUT", resilience.ErrOpen.Code: "TIMED_OUT", "States.Timeout": "TIMED_OUT",
		"Lambda.Unknown":      "TIMED_OUT",
		orders.ErrClosed.Code: "CANCELLED", barrier.ErrCompensated.Code: "INTERNAL", "AnythingElse": "INTERNAL",
	} {
		var told struct{ Reason string }
		drive(t, load(t, "fulfil-order").Start("01J", json.RawMessage(order)), func(e asl.Effect) (string, string) {
			if started, ok := e.(asl.StartExecution); ok {
				if err := json.Unmarshal(started.Input, &told); err != nil {
					t.Fatal(err)
				}
				return `{}`, ""
			}
			return "", failure
		})
		if told.Reason != want {
			t.Errorf("%s has the reason %q, want %s", failure, told.Reason, want)
		}
	}
}

func TestExhaustedUndoDoesNotStopTheOthersAndFlagsTheOrder(t *testing.T) {
	input := `{"orderId":"01J","customerId":"c1","total":{"currency":"EUR","amount":1},"reason":"TIMED_OUT",
		"failedStep":"","traceparent":""}`
	x := load(t, "compensate-order").Start("01J", json.RawMessage(input))
	attempts, released, detail := 0, 0, ""
	done := drive(t, x, func(e asl.Effect) (string, string) {
		i := e.(asl.Invoke)
		switch i.State {
		case "CloseOrder":
			return `{"confirmed":false}`, ""
		case "VoidPayment":
			attempts++
			return "", "Transient"
		case "FlagOrder":
			var p struct{ Detail string }
			if err := json.Unmarshal(i.Payload, &p); err != nil {
				t.Fatal(err)
			}
			detail = p.Detail
		case "ReleaseStock":
			released++
		}
		return `{}`, ""
	})
	if done.Error != "NeedsAttention" || attempts != 9 || detail != `{"VoidPayment":"Transient"}` || released != 9 {
		t.Errorf("%+v after %d attempts, detail %s, released %d times", done, attempts, detail, released)
	}
}

func TestOrderIsUndoneInTwoStates(t *testing.T) {
	input := `{"orderId":"01J","customerId":"c1","total":{"currency":"EUR","amount":1},"reason":"TIMED_OUT",
		"failedStep":"","traceparent":""}`
	for confirmed, want := range map[string][]string{
		"true": {"CloseOrder"}, "false": {"CloseOrder", "CancelShipment", "VoidPayment", "ReleaseStock", "RejectOrder"},
	} {
		x := load(t, "compensate-order").Start("01J", json.RawMessage(input))
		var steps []string
		done := drive(t, x, func(e asl.Effect) (string, string) {
			steps = append(steps, e.(asl.Invoke).State)
			return `{"confirmed":` + confirmed + `}`, ""
		})
		states := slices.Equal(x.Trace(), []string{"IsGivenUp", "Undo"})
		if done.Status != asl.Succeeded || !states || !slices.Equal(steps, want) {
			t.Errorf("confirmed %s: %+v by %v in %v", confirmed, done, steps, x.Trace())
		}
	}
}

func TestAbandonedCompensationOnlyFlagsTheOrder(t *testing.T) {
	input := `{"orderId":"01J","customerId":"c1","total":{"currency":"EUR","amount":1},"reason":"INTERNAL",
		"failedStep":"","traceparent":"","failures":{"compensate-order":"CompensationExhausted"}}`
	x := load(t, "compensate-order").Start("01J-6", json.RawMessage(input))
	var flagged []string
	done := drive(t, x, func(e asl.Effect) (string, string) {
		flagged = append(flagged, string(e.(asl.Invoke).Payload))
		return `{}`, ""
	})
	const want = `{\"compensate-order\":\"CompensationExhausted\"}`
	if done.Error != "NeedsAttention" || len(flagged) != 1 || !strings.Contains(flagged[0], want) {
		t.Errorf("%+v after %v, flagged %s", done, x.Trace(), flagged)
	}
}

// A step that fails for a while has its whole stretch repeated: 4 times, counted per stretch.
func TestAStretchIsRepeatedUntilEachStepSucceeds(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	attempts := map[string]int{}
	done := drive(t, x, func(e asl.Effect) (string, string) {
		i, ok := e.(asl.Invoke)
		if attempts[i.State]++; ok && attempts[i.State] <= 1 {
			return "", "Transient"
		}
		return `{}`, ""
	})
	if done.LastState != "Settle" || attempts["ReserveStock"] != 4 || attempts["ConfirmOrder"] != 2 {
		t.Errorf("%+v after %v", done, attempts)
	}
}

// The exhaustive search drops those fields of the compensation's input that do not affect control
// flow.
func TestCompensationDoesNotDependOnItsReason(t *testing.T) {
	for machine, want := range map[string][]string{
		"compensate-order": {"failures"}, "undo-order": {"began", "causes", "confirmed", "failures"},
	} {
		if got := load(t, machine).Reads(); !slices.Equal(got, want) {
			t.Errorf("%s also reads %v", machine, got)
		}
	}
}

// The language reserves names that begin with States for itself, and LocalStack refuses them in
// reports.
func TestAChildReportsNoReservedName(t *testing.T) {
	for arn, machine := range children {
		for name, want := range map[string]string{
			"States.Timeout": "Step.Timeout", "States.DataLimitExceeded": "Step.DataLimitExceeded",
			"Lambda.Unknown": "Lambda.Unknown", "OutOfStock": "OutOfStock",
		} {
			input := strings.TrimSuffix(order, "}") + `,"taskToken":"t"}`
			got := runChild(t, asl.StartExecution{MachineARN: arn, Input: json.RawMessage(input), Token: "t"},
				func(asl.Effect) (string, string) { return "", name })
			if got.Error != want {
				t.Errorf("%s reports %q as %q, want %q", machine, name, got.Error, want)
			}
		}
	}
}

func TestAStepThatTimesOutIsRepeated(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	late := map[string]bool{}
	done := drive(t, x, func(e asl.Effect) (string, string) {
		if i, ok := e.(asl.Invoke); ok && !i.Callback && !late[i.State] {
			late[i.State] = true
			return "", "States.Timeout"
		}
		return `{}`, ""
	})
	if done.Status != asl.Succeeded || done.LastState != "Settle" || len(late) != 6 {
		t.Errorf("%+v after time-outs of %v", done, late)
	}
}

// Once the customer has acted, or too late, the first stretch runs again and is told so.
func TestTheSagaWaitsForACustomerWhoMustAct(t *testing.T) {
	for _, answer := range []string{"", "States.Timeout"} {
		x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
		var told []bool
		done := drive(t, x, func(e asl.Effect) (string, string) {
			i, _ := e.(asl.Invoke)
			switch i.State {
			case "AuthorizePayment":
				var in struct{ Waited bool }
				must(t, json.Unmarshal(i.Payload, &in))
				if told = append(told, in.Waited); !in.Waited {
					return "", payments.ErrActionRequired.Code
				}
			case "AwaitPayment":
				return `{}`, answer
			}
			return `{}`, ""
		})
		want := []string{"Prepare", "AwaitPayment", "PrepareAgain", "AwaitShipment", "Settle"}
		if done.Status != asl.Succeeded || !slices.Equal(x.Trace(), want) || !slices.Equal(told, []bool{false, true}) {
			t.Errorf("answer %q: %+v after %v, told %v", answer, done, x.Trace(), told)
		}
	}
}

func TestTheSagaWaitsLongerThanTheCustomerHasTime(t *testing.T) {
	wait := load(t, "fulfil-order").States["AwaitPayment"].Timeout
	if slack := wait - paymentsContract.TimeToAct; slack < 30*time.Second || slack > time.Minute {
		t.Errorf("the saga waits for %s, the customer has %s", wait, paymentsContract.TimeToAct)
	}
}
