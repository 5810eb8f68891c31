package storesuite

import (
	"context"
	"reflect"
	"testing"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/resilience"
)

// CircuitStore keeps the circuits of a service that calls others.
type CircuitStore interface {
	resilience.CircuitLog
	Outbox(ctx context.Context) ([]envelope.Event, error)
}

// Circuits is the suite of circuits.
var Circuits = Suite[CircuitStore]{
	Cases: []func(*testing.T, CircuitStore){circuitComesBackAsSaved, onlyTheNextVersionOfACircuitIsSaved},
	Kinds: map[string]Kind[CircuitStore]{"Circuit": {
		Write: func(t *testing.T, s CircuitStore) {
			saveCircuit(t, s, resilience.Circuit{State: resilience.Closed, Version: 1, Failed: []string{"a"}})
		},
		Rewrite: func(t *testing.T, s CircuitStore) {
			saveCircuit(t, s, resilience.Circuit{State: resilience.Open, Version: 2, Openings: 1})
			saveCircuit(t, s, resilience.Circuit{State: resilience.Closed, Version: 3})
		},
	}},
}

func saveCircuit(t *testing.T, s CircuitStore, c resilience.Circuit) {
	t.Helper()
	Must(t, s.SaveCircuit(t.Context(), "bank", c, commit.With{Events: events(t.Context())}))
}

func circuitComesBackAsSaved(t *testing.T, s CircuitStore) {
	got, err := s.Circuit(t.Context(), "bank")
	if err != nil || !reflect.DeepEqual(got, resilience.Circuit{State: resilience.Closed}) {
		t.Errorf("before anything is saved: %+v, %v", got, err)
	}
	for _, saved := range []resilience.Circuit{
		{State: resilience.Closed, Version: 1, WindowEnds: Start.Add(time.Second),
			Failed: []string{"a", "b"}, Succeeded: 3, Row: []string{"b"}},
		{State: resilience.Open, Version: 2, Since: Start, Openings: 1, RetryAt: Start.Add(1500 * time.Millisecond),
			Opened: []time.Time{Start.Add(-time.Hour), Start.Add(time.Millisecond)}},
		{State: resilience.HalfOpen, Version: 3, Since: Start, Openings: 1, ProbeEnds: Start},
		{State: resilience.Closed, Version: 4},
	} {
		saveCircuit(t, s, saved)
		if got, err := s.Circuit(t.Context(), "bank"); err != nil || !reflect.DeepEqual(got, saved) {
			t.Errorf("%+v, %v, want %+v", got, err, saved)
		}
	}
	if other, err := s.Circuit(t.Context(), "post"); err != nil || other.Version != 0 {
		t.Errorf("another dependency's: %+v, %v", other, err)
	}
	wantOutbox(t, s, 4)
}

func onlyTheNextVersionOfACircuitIsSaved(t *testing.T, s CircuitStore) {
	NextVersionOnly(t, func(id string, version int64) error {
		c := resilience.Circuit{State: resilience.Open, Version: version}
		return s.SaveCircuit(t.Context(), id, c, commit.With{Events: events(t.Context())})
	})
	wantOutbox(t, s, 2)
}
