package repair_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/ops/repair"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/resilience"
)

// circuits returns the circuits of a deployment with in-memory logs, and these logs by service.
func circuits(c clock.Clock) (repair.Circuits, map[string]*memdb.Log) {
	logs := map[string]*memdb.Log{"gateway": memdb.NewLog(c), "payments": memdb.NewLog(c), "shipping": memdb.NewLog(c)}
	log := func(service string) resilience.CircuitLog { return logs[service] }
	return repair.Circuits{Log: log, Clock: c, IDs: ids.Random(c)}, logs
}

// save saves the states of a dependency's circuit, one version after the other.
func save(t *testing.T, log *memdb.Log, dependency string, states ...resilience.Circuit) {
	t.Helper()
	for i, c := range states {
		c.Version = int64(i) + 1
		if err := log.SaveCircuit(t.Context(), dependency, c, commit.With{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryCalledDependencyHasACircuit(t *testing.T) {
	files, err := filepath.Glob("../../../deploy/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	var called, listed []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(text), "stack:") {
			continue // a shop may lack this service and its table; its circuits close by themselves
		}
		service := strings.TrimSuffix(filepath.Base(file), ".yaml")
		for _, calls := range regexp.MustCompile(`(?m)^ +calls: \[(.*)\]`).FindAllStringSubmatch(string(text), -1) {
			for dependency := range strings.SplitSeq(calls[1], ", ") {
				called = append(called, service+" "+dependency)
			}
		}
	}
	all, _ := circuits(clock.System{})
	found, err := all.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range found {
		listed = append(listed, c.Service+" "+c.Dependency)
	}
	slices.Sort(called)
	if called = slices.Compact(called); !slices.Equal(called, listed) {
		t.Errorf("listed %q, called %q", listed, called)
	}
}

func TestCircuitsAreListedAsStored(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	all, logs := circuits(now)
	since, retry := now.Now().Add(-time.Minute), now.Now().Add(5*time.Second)
	save(t, logs["payments"], "payment-provider",
		resilience.Circuit{State: resilience.Open, Since: since, Openings: 2, RetryAt: retry})
	save(t, logs["shipping"], "carrier",
		resilience.Circuit{State: resilience.HalfOpen, Since: since, Openings: 1, ProbeEnds: retry})
	save(t, logs["gateway"], "orders",
		resilience.Circuit{State: resilience.Closed, Failed: []string{"a", "b"}, WindowEnds: retry})
	save(t, logs["gateway"], "shipping",
		resilience.Circuit{State: resilience.Closed, Failed: []string{"a"}, WindowEnds: since,
			Opened: []time.Time{since.Add(-time.Hour), since, retry}})
	got, err := all.List(t.Context())
	if err != nil || len(got) != 8 {
		t.Fatalf("%+v, %v, want 8", got, err)
	}
	of := func(dependency string) repair.Circuit {
		return got[slices.IndexFunc(got, func(c repair.Circuit) bool { return c.Dependency == dependency })]
	}
	if c := of("payment-provider"); c.State != resilience.Open || !c.Since.Equal(since) ||
		!c.RetryAt.Equal(retry) || c.Openings != 2 || c.Service != "payments" {
		t.Errorf("open: %+v", c)
	}
	if c := of("carrier"); c.State != resilience.HalfOpen || !c.RetryAt.Equal(retry) {
		t.Errorf("half-open: %+v, want the next probe when the running one is given up", c)
	}
	if c := of("orders"); c.Failures != 2 || c.Since != nil || c.RetryAt != nil {
		t.Errorf("closed, recent failures: %+v", c)
	}
	if c := of("shipping"); c.Failures != 0 || c.OpenedLastHour != 2 || !c.LastOpened.Equal(retry) {
		t.Errorf("closed, old failures, opened twice in the last hour: %+v", c)
	}
	if c := of("inventory"); c.State != resilience.Closed {
		t.Errorf("never written: %+v", c)
	}
}

func TestCircuitIsResetInItsService(t *testing.T) {
	now := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	all, logs := circuits(now)
	save(t, logs["payments"], "payment-provider",
		resilience.Circuit{State: resilience.Open, Openings: 1, RetryAt: now.Now()})
	if err := all.Reset(t.Context(), "payment-provider"); err != nil {
		t.Fatal(err)
	}
	if c, err := all.Find(t.Context(), "payment-provider"); err != nil || c.State != resilience.Closed {
		t.Errorf("%+v, %v", c, err)
	}
	events := logs["payments"].TakeOutbox()
	if len(events) != 1 || events[0].Type != "orderflow.payments.circuit.changed.v1" {
		t.Errorf("events %+v", events)
	}
	if err := all.Reset(t.Context(), "payment-provider"); !errors.Is(err, resilience.ErrClosed) {
		t.Errorf("again: %v", err)
	}
	if err := all.Reset(t.Context(), "bank"); !errors.Is(err, repair.ErrNoCircuit) {
		t.Errorf("of an unknown dependency: %v", err)
	}
}

func TestUnreadableCircuitIsAnError(t *testing.T) {
	down := fault.New(fault.Transient, "Down", "the table is down")
	all, _ := circuits(clock.System{})
	all.Log = func(string) resilience.CircuitLog { return failing{down} }
	if _, err := all.List(t.Context()); !errors.Is(err, down) {
		t.Errorf("list: %v", err)
	}
	if err := all.Reset(t.Context(), "carrier"); !errors.Is(err, down) {
		t.Errorf("reset: %v", err)
	}
}

// failing is a log that cannot be read.
type failing struct{ err error }

func (f failing) Circuit(context.Context, string) (resilience.Circuit, error) {
	return resilience.Circuit{}, f.err
}

func (f failing) SaveCircuit(context.Context, string, resilience.Circuit, commit.With) error {
	return f.err
}
