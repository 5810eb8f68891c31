package memdb_test

import (
	"errors"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
)

func TestLogKeepsCircuits(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (storesuite.CircuitStore, storesuite.Newer) {
		l := memdb.NewLog(c)
		return l, memdb.Newer{Log: l}
	}
	storesuite.RunCases(t, open, storesuite.Circuits)
}

func TestCircuitBehindAShutGateIsNotRead(t *testing.T) {
	l := memdb.NewLog(clock.System{})
	l.Guard(&keeper{shut: true})
	if _, err := l.Circuit(t.Context(), "bank"); !errors.Is(err, errShut) {
		t.Errorf("%v, want the gate's error", err)
	}
}
