package records_test

import (
	"testing"

	"orderflow/internal/host/records"
	"orderflow/internal/host/records/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
)

func TestMemory(t *testing.T) {
	open := func(*testing.T, clock.Clock) (records.Store, storesuite.Newer) { return &records.Memory{}, nil }
	storesuite.RunCases(t, open, storetest.Suite)
}
