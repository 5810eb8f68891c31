package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/memory"
	"orderflow/internal/shipping/storetest"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (shipping.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}
	storesuite.Run(t, open, storetest.Suite)
}
