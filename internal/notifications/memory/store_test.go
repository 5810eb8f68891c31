package memory_test

import (
	"testing"

	"orderflow/internal/notifications/memory"
	"orderflow/internal/notifications/storetest"
	"orderflow/internal/platform/clock"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) storetest.Store { return memory.New(c) })
}
