package memory_test

import (
	"testing"

	"orderflow/internal/platform/clock"
	platform "orderflow/internal/platform/memory"
	platformtest "orderflow/internal/platform/storetest"
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

func TestTwoVersionsShareTheStore(t *testing.T) {
	storetest.RunTwoVersions(t, func(_ *testing.T, c clock.Clock) (shipping.Store, platformtest.Newer) {
		s := memory.New(c)
		return s, platform.Newer{Log: s.Log}
	})
}
