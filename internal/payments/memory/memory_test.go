package memory_test

import (
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/payments/memory"
	"orderflow/internal/payments/providertest"
	"orderflow/internal/payments/storetest"
	"orderflow/internal/platform/clock"
	platform "orderflow/internal/platform/memory"
	platformtest "orderflow/internal/platform/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) storetest.Store { return memory.New(c) })
}

func TestProvider(t *testing.T) {
	providertest.Run(t, func(*testing.T) (payments.Provider, providertest.Dashboard) {
		p := memory.NewProvider(providertest.Declines)
		return p, p
	})
}

func TestTwoVersionsShareTheStore(t *testing.T) {
	storetest.RunTwoVersions(t, func(_ *testing.T, c clock.Clock) (payments.Store, platformtest.Newer) {
		s := memory.New(c)
		return s, platform.Newer{Log: s.Log}
	})
}
