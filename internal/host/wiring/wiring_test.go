package wiring_test

import (
	"testing"
	"time"

	"orderflow"
	"orderflow/internal/host/wiring"
	"orderflow/internal/platform/cfn"
)

func read(t *testing.T) *wiring.Wiring { return readWith(t, nil) }

func readWith(t *testing.T, parameters map[string]string) *wiring.Wiring {
	t.Helper()
	template, err := cfn.Parse(orderflow.Template)
	if err != nil {
		t.Fatal(err)
	}
	stack, err := cfn.New(template, "shop", parameters)
	if err != nil {
		t.Fatal(err)
	}
	w, err := wiring.Read("shop", stack)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestQueuesAreAsDeclared(t *testing.T) {
	w := read(t)
	q := w.Queues["start-fulfilment"]
	if q == nil || q.Batch != 10 || q.Concurrency != 10 || q.Receives < 2 || q.Visibility != time.Minute || q.Internal {
		t.Fatalf("start-fulfilment: %+v", q)
	}
	const created = "orderflow.orders.order.created.v1"
	if !q.Wants("orders", created) || q.Wants("catalog", created) || q.Wants("orders", "x") {
		t.Errorf("start-fulfilment subscribes to %v", q.Topics)
	}
	if q := w.Queues["compare-legacy-reads"]; q == nil || !q.Internal {
		t.Errorf("compare-legacy-reads: %+v", q)
	}
}

func TestFailedExecutionsReachRecovery(t *testing.T) {
	q := read(t).Queues["recover-fulfilment"]
	for machine, statuses := range map[string][]string{
		"fulfil-order": {"FAILED", "TIMED_OUT", "ABORTED"}, "compensate-order": {"FAILED", "TIMED_OUT", "ABORTED"},
	} {
		for _, status := range statuses {
			if !q.WantsEnd(machine, status) {
				t.Errorf("%s %s is not recovered", machine, status)
			}
		}
	}
	if q.WantsEnd("fulfil-order", "SUCCEEDED") || q.WantsEnd("prepare-order", "FAILED") {
		t.Error("recovers executions that need none")
	}
}

func TestOnlyCallersOfOthersHaveReservedConcurrency(t *testing.T) {
	if reserved := read(t).Reserved; len(reserved) > 0 {
		t.Errorf("without the parameter: %v", reserved)
	}
	reserved := readWith(t, map[string]string{"ReservedConcurrency": "7"}).Reserved
	if reserved["authorize-payment"] != 7 || reserved["arrange-shipment"] != 7 || reserved["reserve-stock"] != 0 {
		t.Errorf("%v", reserved)
	}
}

func TestSchedulesAreAsDeclared(t *testing.T) {
	w := read(t)
	for _, s := range w.Schedules {
		if s.Function == "reconcile-charges" && s.Every == 15*time.Minute && string(s.Input) == `{"sweep":"charges"}` {
			return
		}
	}
	t.Errorf("reconcile-charges is not among %+v", w.Schedules)
}
