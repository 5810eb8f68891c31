package memory_test

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/inventory/storetest"
	"orderflow/internal/platform/clock"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) inventory.Store { return memory.New(c) })
}
