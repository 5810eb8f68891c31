package memory_test

import (
	"errors"
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memory"
	"orderflow/internal/platform/storetest"
)

func TestLogKeepsCircuits(t *testing.T) {
	storetest.RunCircuits(t, func(_ *testing.T, c clock.Clock) storetest.CircuitStore { return memory.NewLog(c) })
}

func TestACircuitBehindAShutGateIsNotRead(t *testing.T) {
	l := memory.NewLog(clock.System{})
	l.Guard(&keeper{shut: true})
	if _, err := l.Circuit(t.Context(), "bank"); !errors.Is(err, errShut) {
		t.Errorf("%v, want the gate's error", err)
	}
}

func TestTwoVersionsShareCircuits(t *testing.T) {
	storetest.RunTwoVersions(t, func(_ *testing.T, c clock.Clock) (storetest.CircuitStore, storetest.Newer) {
		l := memory.NewLog(c)
		return l, memory.Newer{Log: l}
	}, storetest.Circuits)
}
