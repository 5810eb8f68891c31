package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
)

func TestManualClockMovesOnlyByAdvance(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	c := clock.At(start)
	if !c.Now().Equal(start) || !c.Now().Equal(c.Now()) {
		t.Errorf("Now = %v, want %v", c.Now(), start)
	}
	c.Advance(90 * time.Second)
	if got := c.Now().Sub(start); got != 90*time.Second {
		t.Errorf("advanced by %v, want 90s", got)
	}
}

func TestClocksReturnUTC(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	for name, c := range map[string]clock.Clock{"system": clock.System{}, "manual": clock.At(time.Now().In(berlin))} {
		if now := c.Now(); now.Location() != time.UTC || time.Since(now).Abs() > time.Minute {
			t.Errorf("%s clock: %v", name, now)
		}
	}
}

func TestSleepEndsAfterItsTimeOrWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := clock.Sleep(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := clock.Sleep(ctx, time.Minute)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Minute+time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
