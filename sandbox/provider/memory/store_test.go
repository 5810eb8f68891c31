package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/memory"
	"orderflow/sandbox/provider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) provider.Store { return memory.New(c) })
}
