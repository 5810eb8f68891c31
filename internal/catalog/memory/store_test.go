package memory_test

import (
	"testing"

	"orderflow/internal/catalog/memory"
	"orderflow/internal/catalog/storetest"
	"orderflow/internal/platform/clock"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) storetest.Store { return memory.New(c) })
}
