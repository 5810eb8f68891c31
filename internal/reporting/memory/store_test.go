package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/reporting"
	"orderflow/internal/reporting/memory"
	"orderflow/internal/reporting/storetest"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (reporting.Store, storesuite.Newer) {
		s := memory.New(c)
		return s, memdb.Newer{Log: s.Log}
	}
	storesuite.RunCases(t, open, storetest.Suite)
}
