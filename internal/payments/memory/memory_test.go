package memory_test

import (
	"testing"

	"orderflow/internal/payments"
	"orderflow/internal/payments/memory"
	"orderflow/internal/payments/providertest"
	"orderflow/internal/payments/storetest"
	"orderflow/internal/platform/clock"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, c clock.Clock) storetest.Store { return memory.New(c) })
}

func TestProvider(t *testing.T) {
	providertest.Run(t, func(*testing.T) payments.Provider { return memory.NewProvider(providertest.Declines) })
}
