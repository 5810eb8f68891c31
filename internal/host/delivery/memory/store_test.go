package memory_test

import (
	"testing"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/delivery/memory"
	"orderflow/internal/host/delivery/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(*testing.T, clock.Clock) (delivery.Store, storesuite.Newer) { return memory.New(), nil }
	storesuite.RunCases(t, open, storetest.Suite)
}
