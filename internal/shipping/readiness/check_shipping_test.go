package readiness

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/readiness/readinesstest"
	"orderflow/internal/shipping/memory"
)

func TestReadinessTellsPartsToOperatorsOnly(t *testing.T) {
	up, down := memory.New(clock.System{}), memory.New(clock.System{})
	down.Guard(readinesstest.Shut)
	readinesstest.Run(t, "shipping", checkShipping, up, down)
}
