package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/reporting/logtest"
	"orderflow/internal/reporting/memory"
)

func TestLog(t *testing.T) {
	logtest.Run(t, func(t *testing.T, topics ...string) logtest.Log {
		t.Helper()
		return memory.NewLog(clock.System{}, topics...)
	})
}
