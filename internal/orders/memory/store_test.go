package memory_test

import (
	"testing"

	"orderflow/internal/orders"
	"orderflow/internal/orders/memory"
	"orderflow/internal/orders/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (orders.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}
	storesuite.Run(t, open, storetest.Suite)
}
