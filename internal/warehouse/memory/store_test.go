package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/memory"
	"orderflow/internal/warehouse/storetest"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (warehouse.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}
	storesuite.Run(t, open, storetest.Suite)
}
