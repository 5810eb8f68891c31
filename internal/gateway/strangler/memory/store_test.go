package memory_test

import (
	"testing"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/gateway/strangler/memory"
	"orderflow/internal/gateway/strangler/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/storesuite"
)

func TestStore(t *testing.T) {
	open := func(_ *testing.T, c clock.Clock) (strangler.Placements, storesuite.Newer) {
		p := memory.New(c)
		return p, memdb.Newer{Log: p.Log}
	}
	storesuite.RunCases(t, open, storetest.Suite)
}

func TestADecisionIsForgottenWithItsTime(t *testing.T) {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	p := memory.New(c)
	for _, request := range []string{"old", "new"} {
		if _, err := p.Decide(t.Context(), "c", request, strangler.Decision{At: c.Now()}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Hour)
	}
	p.Forget(nil, c.Now().Add(-time.Hour))
	if n := p.Sizes()["placement"]; n != 1 {
		t.Errorf("%d decisions are left, want the new one", n)
	}
}
