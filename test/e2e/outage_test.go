package e2e_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/verify/e2e"
)

// divert leads the calls to the payment provider through this process, until the test ends.
func divert(t *testing.T) *intercept.Interceptor {
	t.Helper()
	d, err := intercept.Open(t.Context(), stack, intercept.Payments(stack))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// The provider goes away while orders come in; they wait, and nobody calls it until it is back.
func TestAnOutageOfTheProviderCostsNoOrder(t *testing.T) {
	waits(t, 0.4) // or the last of them waits for half a minute after all is well
	provider := divert(t)
	var out bytes.Buffer
	if err := shop().Outage(t.Context(), &out, provider, e2e.Outage(stack.Emulator.Target)); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}

// authorize-payment and void-payment run in processes of their own, and share nothing but the table
// of payments.
func TestACircuitThatOneFunctionOpensIsOpenToAnother(t *testing.T) {
	provider := divert(t)
	invoke := func(function string) string {
		out, err := stack.Invoke(t.Context(), function, map[string]any{
			"orderId": ids.Random(clock.System{}).New(), "customerId": "nobody",
			"amount": money.Money{Currency: "EUR", Amount: 100}, "paymentMethod": "pm_card_visa",
		})
		if err != nil {
			t.Error(err)
		}
		return string(out)
	}
	state := func() resilience.State {
		c, err := shop().Circuit(t.Context())
		if err != nil {
			t.Error(err)
		}
		return c.State
	}
	void := func() {
		t.Helper()
		before := time.Now()
		if out := invoke("void-payment"); strings.Contains(out, "errorType") || len(provider.Calls(before)) != 1 {
			t.Fatalf("void-payment: %s, and %d calls, want one that succeeds", out, len(provider.Calls(before)))
		}
	}
	void() // from now on its process believes that the circuit is closed

	if err := provider.Break(); err != nil {
		t.Fatal(err)
	}
	authorizing := make(chan string)
	for range 3 {
		go func() { authorizing <- invoke("authorize-payment") }()
	}
	eventually(t, 10*time.Second, "the circuit is open", func() error {
		if s := state(); s != resilience.Open {
			return errorf("it is %s", s)
		}
		return nil
	})
	time.Sleep(time.Second) // what a process knows of a circuit is good for that long
	before := time.Now()
	out := invoke("void-payment")
	took, calls := time.Since(before), len(provider.Calls(before))
	if !strings.Contains(out, resilience.ErrOpen.Code) || calls != 0 || took > time.Second {
		t.Errorf("void-payment: %s after %s, and %d calls; want that it is refused at once, without a call", out, took,
			calls)
	}
	refused := 0
	for range 3 {
		if strings.Contains(<-authorizing, resilience.ErrOpen.Code) {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no authorization was told that the circuit is open")
	}

	if out := operate(t, 0, "circuit", "list"); !strings.Contains(out, "payment-provider  payments  OPEN") {
		t.Errorf("list:\n%s", out)
	}
	operate(t, 2, "circuit", "reset", "payment-provider")
	if err := provider.Mend(); err != nil {
		t.Fatal(err)
	}
	operate(t, 0, "circuit", "reset", "payment-provider", "--reason", "they are back")
	if out := operate(t, 0, "circuit", "show", "payment-provider"); !strings.Contains(out, "CLOSED") ||
		!strings.Contains(out, "they are back") {
		t.Errorf("show:\n%s", out)
	}
	time.Sleep(time.Second)
	void()
	if out := operate(t, 1, "circuit", "reset", "payment-provider", "--reason", "once more"); !strings.Contains(out,
		"nothing to reset") {
		t.Errorf("reset of a closed circuit: %s", out)
	}
}
