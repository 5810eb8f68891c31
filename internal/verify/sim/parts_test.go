package sim

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/function"
)

func TestScheduleRunsByTimeThenByOrderOfPlanning(t *testing.T) {
	s := schedule{now: epoch}
	var happened []string
	add := func(name string) func() { return func() { happened = append(happened, name) } }
	s.after(2*time.Second, add("later"))
	s.after(time.Second, add("first"))
	s.after(time.Second, add("second"))
	s.every(time.Second, add("tick"))
	if !s.rest(epoch.Add(time.Minute)) {
		t.Error("not at rest although only a tick is left")
	}
	if want := []string{"first", "second", "tick", "later"}; !slices.Equal(happened, want) {
		t.Errorf("%v, want %v", happened, want)
	}
	s.after(time.Hour, add("never"))
	if s.rest(epoch.Add(time.Minute)) {
		t.Error("at rest although something is planned for later")
	}
}

// suspended runs a function that waits for a minute and returns whether it ended and what callers
// got.
func suspended(t *testing.T, undead bool) (ended bool, told []error) {
	t.Helper()
	w := newWorld(1, Options{}, load(t, Mutant{}), Mutant{})
	w.functions["slow"] = function.HandlerFunc(func(context.Context, []byte) ([]byte, error) {
		w.running.undead = undead
		w.wait(time.Minute)
		ended = true
		return nil, nil
	})
	w.invoke("slow", "", nil, func(_ []byte, err error) { told = append(told, err) })
	w.rest(epoch.Add(time.Hour))
	return ended, told
}

func TestFunctionEndsAtItsTimeout(t *testing.T) {
	ended, told := suspended(t, false)
	if ended || len(told) != 1 || told[0] == nil {
		t.Errorf("ran to its end: %t, the caller got %v", ended, told)
	}
}

func TestZombieRunsOnAfterItsTimeout(t *testing.T) {
	ended, told := suspended(t, true)
	if !ended || len(told) != 1 || told[0] == nil {
		t.Errorf("ran to its end: %t, the caller got %v", ended, told)
	}
}

func TestPanicIsAViolation(t *testing.T) {
	w := newWorld(1, Options{}, load(t, Mutant{}), Mutant{})
	w.functions["bad"] = function.HandlerFunc(func(context.Context, []byte) ([]byte, error) { panic("oh") })
	w.invoke("bad", "", nil, func([]byte, error) {})
	w.rest(epoch.Add(time.Hour))
	if v := w.report.Violations; len(v) != 1 || !strings.Contains(v[0].Text, "oh") {
		t.Errorf("violations: %v", v)
	}
}

func TestQueuesAreReadFromTheTemplate(t *testing.T) {
	d := load(t, Mutant{})
	for name, q := range d.Queues {
		if q.Batch < 1 || q.Receives < 2 || q.Visibility < 6*timeout || len(q.Topics) == 0 && !q.Internal {
			t.Errorf("%s: %+v", name, q)
		}
	}
	if !d.Queues["start-fulfilment"].Wants("orders", "orderflow.orders.order.created.v1") {
		t.Error("no queue starts sagas")
	}
	if len(d.Schedules) == 0 {
		t.Error("no schedules")
	}
}

func TestEveryQueueAndScheduleHasAFunction(t *testing.T) {
	d := load(t, Mutant{})
	w := newWorld(1, Options{}, d, Mutant{})
	for _, name := range w.consumers {
		if w.functions[name] == nil {
			t.Errorf("no function %s for its queue", name)
		}
	}
	for _, s := range d.Schedules {
		if w.functions[s.Function] == nil {
			t.Errorf("no function %s for its schedule", s.Function)
		}
	}
}

func TestMissingListsUnreachedPaths(t *testing.T) {
	missing := newReport().Missing(load(t, Mutant{}), Options{Brokers: true})
	for _, want := range []string{
		"compensate-order FlagOrder", "retried: Undo", "null compensation of ReserveStock",
		"the fault " + string(zombie), "the fault " + string(rebalanced), brokerPaths[0],
	} {
		if !slices.Contains(missing, want) {
			t.Errorf("%q is not listed", want)
		}
	}
	missing = newReport().Missing(load(t, Mutant{}), Options{OneProcess: true})
	for _, want := range []string{"the fault " + string(diesAfter), processPaths[0]} {
		if !slices.Contains(missing, want) {
			t.Errorf("%q is not listed for processes", want)
		}
	}
}
