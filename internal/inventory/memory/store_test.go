package memory_test

import (
	"testing"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/inventory/storetest"
	"orderflow/internal/platform/clock"
	platform "orderflow/internal/platform/memory"
	platformtest "orderflow/internal/platform/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) inventory.Store { return memory.New(c) })
}

func TestTwoVersionsShareTheStore(t *testing.T) {
	storetest.RunTwoVersions(t, func(_ *testing.T, c clock.Clock) (inventory.Store, platformtest.Newer) {
		s := memory.New(c)
		return s, platform.Newer{Log: s.Log}
	})
}
