package memory_test

import (
	"testing"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (strangler.Placements, storesuite.Newer) {
		p := memory.New(c)
		return p, memdb.Newer{Log: p.Log}
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
