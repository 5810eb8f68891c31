package asl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/orders"
	"orderflow/internal/payments"
	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/platform/step"
	"orderflow/internal/shipping"
	"orderflow/internal/verify/asl"
)

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

// drive answers effects until the execution is done. answer returns the function's result or an
// error name.
func drive(t testing.TB, x *asl.Execution, answer func(asl.Effect) (output, fail string)) asl.Done {
	t.Helper()
	for range 1000 {
		var err error
		switch e := x.Next().(type) {
		case asl.Done:
			return e
		case asl.Sleep:
			err = x.Wake()
		default:
			output, fail := answer(e)
			if fail != "" {
				err = x.Fail(fail, "because")
			} else {
				err = x.Succeed(json.RawMessage(output))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the execution does not end")
	return asl.Done{}
}

func TestOrderIsFulfilledStateByState(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	done := drive(t, x, func(asl.Effect) (string, string) { return `{"status":"ok"}`, "" })
	want := []string{
		"ReserveStock", "AuthorizePayment", "ArrangeShipment", "AwaitShipment", "CapturePayment", "CommitStock",
		"ConfirmOrder", "Fulfilled",
	}
	if done.Status != asl.Succeeded || !slices.Equal(x.Trace(), want) {
		t.Errorf("%+v after %v", done, x.Trace())
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
	if done.LastState != "Compensating" || started.Name != "01J" || started.MachineARN != "CompensateOrderArn" {
		t.Errorf("%+v, started %+v", done, started)
	}
	want := `{"customerId":"c1","failedStep":"AuthorizePayment","orderId":"01J","reason":"PAYMENT_DECLINED",` +
		`"total":{"amount":1999,"currency":"EUR"},"traceparent":""}`
	if string(started.Input) != want {
		t.Errorf("the compensation gets %s", started.Input)
	}
}

// The names are those of the services' errors, so a renamed error fails here.
func TestEachFailureHasTheReasonThatTheCustomerSees(t *testing.T) {
	for failure, want := range map[string]string{
		inventory.ErrOutOfStock.Code: "OUT_OF_STOCK", payments.ErrDeclined.Code: "PAYMENT_DECLINED",
		payments.ErrVoided.Code: "PAYMENT_VOIDED",
		"ShipmentRefused":       "SHIPMENT_REFUSED", shipping.ErrCancelled.Code: "SHIPMENT_REFUSED",
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
	attempts, detail := 0, ""
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
		}
		return `{}`, ""
	})
	released := slices.Contains(x.Trace(), "ReleaseStock")
	if done.Error != "NeedsAttention" || attempts != 9 || detail != `{"VoidPayment":"Transient"}` || !released {
		t.Errorf("%+v after %d attempts, detail %s, by %v", done, attempts, detail, x.Trace())
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

func TestEachStateCountsItsOwnAttempts(t *testing.T) {
	x := load(t, "fulfil-order").Start("01J", json.RawMessage(order))
	attempts := map[string]int{}
	done := drive(t, x, func(e asl.Effect) (string, string) {
		i, ok := e.(asl.Invoke)
		if attempts[i.State]++; ok && attempts[i.State] <= 3 {
			return "", "Transient"
		}
		return `{}`, ""
	})
	if done.LastState != "Fulfilled" || attempts["ConfirmOrder"] != 4 {
		t.Errorf("%+v after %v", done, attempts)
	}
}
