package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/carriertest"
	"orderflow/internal/shipping/memory"
	"orderflow/internal/shipping/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) storetest.Store { return memory.New(c) })
}

func TestCarrier(t *testing.T) {
	carriertest.Run(t, func(*testing.T) shipping.Carrier { return memory.NewCarrier() })
}
