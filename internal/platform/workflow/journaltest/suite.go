// Package journaltest holds the suite that every workflow.Journal passes.
package journaltest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/platform/asl"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/platform/workflow"
)

// Suite is the suite.
var Suite = storesuite.Suite[workflow.Journal]{
	Cases: []func(*testing.T, workflow.Journal){
		ExecutionsAreKeptAsTheyAre, OnlyTheNextVersionIsWritten, UnknownExecutionsAreNotFound,
		OnlyOpenExecutionsAreVisited, OnlyTheNextLeaseIsWritten,
	},
}

// Execution returns the first version of an execution of the machine "machine".
func Execution(name string) workflow.Execution {
	return workflow.Execution{
		Machine: "machine", Name: name, Status: workflow.Running, Input: json.RawMessage(`{"a":1}`),
		Started: storesuite.Start,
		Position: asl.Position{
			State: "Do", Entered: storesuite.Start, Input: json.RawMessage(`{"a":1}`), Retried: []int{0, 2}, Attempt: 2,
			MaxWait: time.Second,
		},
		History: []workflow.Event{
			{At: storesuite.Start, Kind: "ExecutionStarted"},
			{At: storesuite.Start, Kind: "TaskScheduled", State: "Do", Resource: asl.StatesStartAndWait},
			{At: storesuite.Start, Kind: "TaskSucceeded", State: "Do", Output: json.RawMessage(`{"by":"token"}`)},
		},
		Version: 1,
	}
}

// Ended returns the next version of an execution, which has ended.
func Ended(x workflow.Execution) workflow.Execution {
	x.Version++
	x.Status, x.Error, x.Cause, x.Ended = asl.Failed, "Transient", "because", storesuite.Start.Add(time.Second)
	x.Position, x.Announced = asl.Position{}, true
	x.History = append(slices.Clip(x.History), workflow.Event{At: x.Ended, Kind: "ExecutionFailed", Error: x.Error})
	return x
}

// ExecutionsAreKeptAsTheyAre says that every field survives.
func ExecutionsAreKeptAsTheyAre(t *testing.T, j workflow.Journal) {
	first := Execution("x")
	second := Ended(first)
	second.Output = json.RawMessage(`{"b":[2]}`)
	for _, x := range []workflow.Execution{first, second} {
		storesuite.Must(t, j.Save(t.Context(), x))
		got, err := j.Execution(t.Context(), "machine", "x")
		storesuite.Must(t, err)
		if diff := cmp.Diff(x, got); diff != "" {
			t.Errorf("version %d: %s", x.Version, diff)
		}
	}
}

// OnlyTheNextVersionIsWritten says that whoever has an old version cannot write.
func OnlyTheNextVersionIsWritten(t *testing.T, j workflow.Journal) {
	storesuite.NextVersionOnly(t, func(name string, version int64) error {
		x := Execution(name)
		x.Version = version
		return j.Save(t.Context(), x)
	})
	save := func(int) error { return j.Save(t.Context(), Execution("race")) }
	won := storesuite.Winners(t, 4, fault.ErrLostRace, save)
	if won != 1 {
		t.Errorf("%d of 4 started the same execution", won)
	}
}

// UnknownExecutionsAreNotFound says that a name counts within its machine.
func UnknownExecutionsAreNotFound(t *testing.T, j workflow.Journal) {
	storesuite.Must(t, j.Save(t.Context(), Execution("x")))
	for machine, name := range map[string]string{"machine": "y", "other": "x"} {
		if _, err := j.Execution(t.Context(), machine, name); !errors.Is(err, workflow.ErrNone) {
			t.Errorf("%s/%s: %v", machine, name, err)
		}
	}
}

// OnlyOpenExecutionsAreVisited says that those are open that run, or whose end is to be announced.
func OnlyOpenExecutionsAreVisited(t *testing.T, j workflow.Journal) {
	later := storesuite.Start.Add(time.Hour)
	for _, name := range []string{"runs", "over", "unannounced", "later"} {
		x := Execution(name)
		if name == "later" {
			x.Started = later
		}
		storesuite.Must(t, j.Save(t.Context(), x))
		ended := Ended(x)
		ended.Announced = name == "over"
		if name == "over" || name == "unannounced" {
			storesuite.Must(t, j.Save(t.Context(), ended))
		}
	}
	for before, want := range map[time.Time][]string{
		later:                  {"runs", "unannounced"},
		later.Add(time.Second): {"later", "runs", "unannounced"},
		storesuite.Start:       nil,
	} {
		var got []string
		storesuite.Must(t, j.Open(t.Context(), before, func(machine, name string) {
			if machine == "machine" {
				got = append(got, name)
			}
		}))
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("before %s: %v, want %v", before, got, want)
		}
	}
}

// OnlyTheNextLeaseIsWritten says that two processes do not both obtain it.
func OnlyTheNextLeaseIsWritten(t *testing.T, j workflow.Journal) {
	if l, err := j.Lease(t.Context()); err != nil || l != (workflow.Lease{}) {
		t.Errorf("a new journal has the lease %+v, %v", l, err)
	}
	l := workflow.Lease{Owner: "a", Until: storesuite.Start, Version: 1}
	for range 2 {
		storesuite.Must(t, j.SaveLease(t.Context(), l))
		if err := j.SaveLease(t.Context(), l); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("the same version again: %v", err)
		}
		got, err := j.Lease(t.Context())
		storesuite.Must(t, err)
		if got != l {
			t.Errorf("kept as %+v, want %+v", got, l)
		}
		l = workflow.Lease{Version: l.Version + 1} // released
	}
}
