package e2e_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"orderflow/internal/dev/intercept"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
	"orderflow/internal/verify/e2e"
)

// divert routes the calls to a dependency through this process, until the test ends.
func divert(t *testing.T, d intercept.Dependency) *intercept.Interceptor {
	t.Helper()
	i, err := intercept.Open(t.Context(), stack, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

// The provider is down while orders come in; they wait, and calls stop until it is back.
func TestAnOutageOfTheProviderCostsNoOrder(t *testing.T) {
	plan, scale := e2e.Outage(stack.Emulator.Target)
	waits(t, scale)
	provider := divert(t, intercept.Provider)
	var out bytes.Buffer
	if err := shop().Outage(t.Context(), &out, provider, plan); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	t.Log(out.String())
}

// authorize-payment and void-payment run in separate processes, and share only the table of
// payments.
func TestACircuitThatOneFunctionOpensIsOpenToAnother(t *testing.T) {
	provider := divert(t, intercept.Provider)
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
	circuit := func() resilience.Circuit {
		c, err := shop().Circuit(t.Context())
		if err != nil {
			t.Error(err)
		}
		return c
	}
	void := func() {
		t.Helper()
		before := time.Now()
		if out := invoke("void-payment"); strings.Contains(out, "errorType") || len(provider.Calls(before)) != 1 {
			t.Fatalf("void-payment: %s, %d calls; want one that succeeds", out, len(provider.Calls(before)))
		}
	}
	void() // its process now caches a closed circuit

	if err := provider.Break(); err != nil {
		t.Fatal(err)
	}
	var authorizing sync.WaitGroup
	for range 3 {
		authorizing.Go(func() { invoke("authorize-payment") })
	}
	eventually(t, time.Minute, "a call is made while the circuit is open", func() error {
		opened := circuit()
		if opened.State != resilience.Open || time.Until(opened.RetryAt) < 3*time.Second {
			invoke("authorize-payment") // a probe of it fails, and the circuit opens for longer
			return errorf("it is %s until %s", opened.State, opened.RetryAt)
		}
		time.Sleep(time.Second) // processes cache a circuit for that long
		before := time.Now()
		answers := []string{invoke("void-payment"), invoke("authorize-payment")}
		if circuit().Version != opened.Version || time.Now().After(opened.RetryAt) {
			return errorf("a probe was due meanwhile") // the machine is slow
		}
		open := func(answer string) bool { return strings.Contains(answer, resilience.ErrOpen.Code) }
		if calls := len(provider.Calls(before)); calls != 0 || !open(answers[0]) || !open(answers[1]) {
			t.Errorf("void-payment and authorize-payment: %s, %d calls; want refusals without a call", answers, calls)
		}
		return nil
	})
	authorizing.Wait()

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
