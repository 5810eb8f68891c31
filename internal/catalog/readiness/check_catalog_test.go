package readiness

import (
	"testing"

	"orderflow/internal/catalog/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/readiness/readinesstest"
)

func TestReadinessTellsPartsToOperatorsOnly(t *testing.T) {
	up, down := memory.New(clock.System{}), memory.New(clock.System{})
	down.Guard(readinesstest.Shut)
	readinesstest.Run(t, "catalog", checkCatalog, up, down)
}
