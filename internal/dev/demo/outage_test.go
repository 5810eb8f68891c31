package demo

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/client"
	"orderflow/internal/ops/timeline"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/resilience"
)

func TestOpenTimeSpansTheFirstOpenToTheFirstClosedSample(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var samples []sample
	for i, l := range []sample{
		{state: resilience.Closed}, {state: resilience.Open, openings: 1}, {state: resilience.HalfOpen, openings: 1},
		{state: resilience.Open, openings: 3}, // a probe failed between samples
		{state: resilience.Closed}, {state: resilience.Closed}, {state: resilience.Open, openings: 1},
	} {
		l.at = at.Add(time.Duration(i) * time.Second)
		samples = append(samples, l)
	}
	spans, times := opened(samples)
	want := []span{{samples[1].at, samples[4].at}, {samples[6].at, samples[6].at}}
	if !slices.Equal(spans, want) || times != 4 {
		t.Errorf("open %v, %d times; want %v, 4 times", spans, times, want)
	}
}

var price = money.Money{Currency: "EUR", Amount: 990}

// kept returns the facts of an outage without a broken promise.
func kept() facts {
	order := client.Order{OrderID: "o1", Status: client.Confirmed, Total: price,
		Items: []client.Line{{SKU: "CANDLE", Quantity: 1}}}
	return facts{
		accepted: map[string]bool{"o1": true}, orders: []client.Order{order},
		live:    map[string][]Charge{"o1": {{Status: "CAPTURED", Amount: price, Captured: true}}},
		stocked: client.Stock{OnHand: 5, Available: 5}, left: client.Stock{OnHand: 4, Available: 4, Shipped: 1},
		before: 30, upFor: 10 * time.Second, sent: 6, openFor: time.Minute, open: 300, openings: 3,
		state: resilience.Closed,
	}
}

func TestEveryBrokenPromiseIsReported(t *testing.T) {
	if broken := kept().broken(Minute); len(broken) > 0 {
		t.Fatalf("no promise is broken, got %v", broken)
	}
	for want, spoil := range map[string]func(*facts){
		"were not accepted":                func(f *facts) { f.refused = []error{errors.New("503")} },
		"order o2 is lost":                 func(f *facts) { f.accepted["o2"] = true },
		"no client knows of order o2":      func(f *facts) { f.orders = append(f.orders, client.Order{OrderID: "o2"}) },
		"not confirmed":                    func(f *facts) { f.orders[0].Status, f.live = client.Rejected, nil },
		"not final":                        func(f *facts) { f.orders[0].Status, f.live = client.Pending, nil },
		"never opened":                     func(f *facts) { f.openings = 0 },
		"OPEN at the end":                  func(f *facts) { f.state = resilience.Open },
		"87 % against before, not by 90 %": func(f *facts) { f.sent = 24 }, // 0.4 per second, 3 before
		// of which 6 were sent
		"88 % against attempts, not by 90 %": func(f *facts) { f.open = 50 },
		// nothing was measured
		"NaN % against attempts":   func(f *facts) { f.sent, f.open = 0, 0 },
		"of 9.90 EUR is confirmed": func(f *facts) { f.live["o1"][0].Captured = false },
		"is confirmed, and": func(f *facts) {
			f.live["o1"] = append(f.live["o1"], f.live["o1"][0])
		},
		"is REJECTED, and": func(f *facts) { f.orders[0].Status = client.Rejected },
		"after AuthorizePayment:Transient": func(f *facts) {
			f.orders[0].Status = client.Rejected
			f.failures = map[string]string{"o1": failures([]timeline.Step{{State: "AuthorizePayment",
				Attempts: []timeline.Attempt{{Failure: &timeline.Failure{Error: "Transient"}}, {}}}})}
		},
		"stock is": func(f *facts) { f.left.Reserved = 1 },
	} {
		f := kept()
		spoil(&f)
		if err := errors.Join(f.broken(Minute)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want that it says %q", err, want)
		}
	}
}

func TestAttemptsRefusedByTheCircuitAreCountedByStep(t *testing.T) {
	lost := func(wait time.Duration) timeline.Attempt {
		return timeline.Attempt{Failure: &timeline.Failure{Error: "CircuitOpen"}, RetryWait: timeline.Millis(wait)}
	}
	var f facts
	f.step(timeline.Step{Attempts: []timeline.Attempt{{Failure: &timeline.Failure{Error: "Transient"}},
		lost(time.Second), lost(2 * time.Second), {}}})
	f.step(timeline.Step{Attempts: []timeline.Attempt{lost(3 * time.Second), {}}})
	if f.open != 3 || f.most != 2 || !slices.Equal(f.waits, []time.Duration{3 * time.Second, 2 * time.Second}) {
		t.Errorf("%d tries, %d of one step at most, waits %v", f.open, f.most, f.waits)
	}
	f.print(io.Discard)
}
