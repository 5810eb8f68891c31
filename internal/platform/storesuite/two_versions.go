package storesuite

import (
	"context"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/resilience"
)

// Newer is a newer version of the code, which writes to the same items as today's while a release
// is gradual.
type Newer interface {
	// Grow adds an attribute that today's code does not know to every item, and to every map nested
	// in one. It returns how many it added.
	Grow(ctx context.Context) (int, error)
	// Lost names the attributes that were added and are not there any more as they were.
	Lost(ctx context.Context) ([]string, error)
}

// Kind is one kind of item. Write makes one; Rewrite writes it in every other way that the store
// has.
type Kind[S any] struct{ Write, Rewrite func(t *testing.T, s S) }

// RunTwoVersions has a newer version add attributes to items of each kind, and looks whether they
// survive what the store writes after that.
func RunTwoVersions[S any](t *testing.T, open func(t *testing.T, c clock.Clock) (S, Newer), kinds map[string]Kind[S]) {
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s, newer := open(t, clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
			kind.Write(t, s)
			if grown, err := newer.Grow(t.Context()); err != nil || grown == 0 {
				t.Fatalf("%d attributes are added, %v", grown, err)
			}
			kind.Rewrite(t, s)
			if lost, err := newer.Lost(t.Context()); err != nil || len(lost) > 0 {
				t.Errorf("lost: %v, %v", lost, err)
			}
		})
	}
}

// Circuits is the kind of a dependency's circuit.
var Circuits = map[string]Kind[CircuitStore]{"Circuit": {
	Write: func(t *testing.T, s CircuitStore) {
		saveCircuit(t, s, resilience.Circuit{State: resilience.Closed, Version: 1, Failed: []string{"a"}})
	},
	Rewrite: func(t *testing.T, s CircuitStore) {
		saveCircuit(t, s, resilience.Circuit{State: resilience.Open, Version: 2, Openings: 1})
		saveCircuit(t, s, resilience.Circuit{State: resilience.Closed, Version: 3})
	},
}}

func saveCircuit(t *testing.T, s CircuitStore, c resilience.Circuit) {
	t.Helper()
	must(t, s.SaveCircuit(t.Context(), "bank", c, commit.With{}))
}
