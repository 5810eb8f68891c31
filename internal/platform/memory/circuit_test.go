package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memory"
	"orderflow/internal/platform/storetest"
)

func TestLogKeepsCircuits(t *testing.T) {
	storetest.RunCircuits(t, func(_ *testing.T, c clock.Clock) storetest.CircuitStore { return memory.NewLog(c) })
}
