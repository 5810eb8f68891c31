package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/legacy"
	"orderflow/sandbox/legacy/memory"
	"orderflow/sandbox/legacy/storetest"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (legacy.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
