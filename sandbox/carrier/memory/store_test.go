package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/carrier"
	"orderflow/sandbox/carrier/memory"
	"orderflow/sandbox/carrier/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) carrier.Store { return memory.New(c) })
}
