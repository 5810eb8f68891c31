package memory_test

import (
	"testing"

	"orderflow/internal/orders"
	"orderflow/internal/orders/memory"
	"orderflow/internal/orders/storetest"
	"orderflow/internal/platform/clock"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) orders.Store { return memory.New(c) })
}
