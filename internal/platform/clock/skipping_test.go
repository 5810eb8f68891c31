package clock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"orderflow/internal/platform/clock"
)

func TestWhatIsPlannedComesWhenItsTimeIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c clock.Skipping
		began, done := c.Now(), map[string]time.Duration{}
		plan := func(name string, d time.Duration) (stop func()) {
			return c.After(d, func() { done[name] = c.Now().Sub(began) })
		}
		plan("soon", time.Second)
		plan("later", 10*time.Minute)
		plan("last", time.Hour)
		stop := plan("never", 5*time.Minute)
		time.Sleep(2 * time.Second)
		stop()
		c.Skip(11 * time.Minute)
		synctest.Wait()
		time.Sleep(50 * time.Minute)
		for name, want := range map[string]time.Duration{
			"soon": time.Second, "later": 11*time.Minute + 2*time.Second, "last": time.Hour,
		} {
			if done[name] != want {
				t.Errorf("%s was done after %s, want %s", name, done[name], want)
			}
		}
		if len(done) != 3 {
			t.Errorf("done: %v", done)
		}
	})
}
