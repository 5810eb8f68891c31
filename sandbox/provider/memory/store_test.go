package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/provider/memory"
	"orderflow/sandbox/provider/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) provider.Store { return memory.New(c) })
}

func TestTwoVersionsShareTheStore(t *testing.T) {
	storesuite.RunTwoVersions(t, func(_ *testing.T, c clock.Clock) (provider.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}, storetest.TwoVersions)
}
