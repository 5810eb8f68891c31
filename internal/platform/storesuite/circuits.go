package storesuite

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/resilience"
)

// CircuitStore is what the store of a service that calls others can do as well.
type CircuitStore interface {
	resilience.CircuitLog
	Outbox(ctx context.Context) ([]envelope.Event, error)
}

// RunCircuits runs the suite of circuits; open returns an empty store on the given clock.
func RunCircuits(t *testing.T, open func(t *testing.T, c clock.Clock) CircuitStore) {
	RunTimed(t, open, map[string]func(*testing.T, CircuitStore, *clock.Manual){
		"CircuitComesBackAsSaved":  circuitSaved,
		"CircuitIsSavedByOneOfTwo": circuitRace,
	})
}

func circuitSaved(t *testing.T, s CircuitStore, c *clock.Manual) {
	got, err := s.Circuit(t.Context(), "bank")
	if err != nil || !reflect.DeepEqual(got, resilience.Circuit{State: resilience.Closed}) {
		t.Errorf("before anything is saved: %+v, %v", got, err)
	}
	for _, saved := range []resilience.Circuit{
		{State: resilience.Closed, Version: 1, WindowEnds: c.Now().Add(time.Second), Failed: []string{"a", "b"}, Succeeded: 3, Row: []string{"b"}},
		{State: resilience.Open, Version: 2, Since: c.Now(), Openings: 1, RetryAt: c.Now().Add(1500 * time.Millisecond)},
		{State: resilience.HalfOpen, Version: 3, Since: c.Now(), Openings: 1, ProbeEnds: c.Now()},
		{State: resilience.Closed, Version: 4},
	} {
		must(t, s.SaveCircuit(t.Context(), "bank", saved, commit.With{Events: events(t.Context())}))
		if got, err := s.Circuit(t.Context(), "bank"); err != nil || !reflect.DeepEqual(got, saved) {
			t.Errorf("%+v, %v, want %+v", got, err, saved)
		}
	}
	if other, err := s.Circuit(t.Context(), "post"); err != nil || other.Version != 0 {
		t.Errorf("another dependency's: %+v, %v", other, err)
	}
	wantOutbox(t, s, 4)
}

func circuitRace(t *testing.T, s CircuitStore, _ *clock.Manual) {
	open := resilience.Circuit{State: resilience.Open, Version: 1}
	must(t, s.SaveCircuit(t.Context(), "bank", open, commit.With{Events: events(t.Context())}))
	for _, version := range []int64{1, 3} { // one that is stored already, and one that skips one
		open.Version = version
		if err := s.SaveCircuit(t.Context(), "bank", open, commit.With{Events: events(t.Context())}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("version %d: %v, want ErrLostRace", version, err)
		}
	}
	wantOutbox(t, s, 1)
}
