package clock_test

import (
	"encoding/json"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
)

func TestStampsSortAsText(t *testing.T) {
	at := time.Date(2026, 11, 29, 9, 59, 59, 0, time.FixedZone("CET", 3600))
	before := ""
	for _, later := range []time.Duration{0, 90 * time.Millisecond, 100*time.Millisecond + 1, time.Second} {
		b, err := json.Marshal(clock.Stamp{Time: at.Add(later)})
		if err != nil || len(b) != len(`"2026-11-29T08:59:59.000Z"`) || string(b) <= before {
			t.Errorf("%s after %s, %v", b, before, err)
		}
		before = string(b)
		var read clock.Stamp
		if err := json.Unmarshal(b, &read); err != nil || !read.Equal(at.Add(later).Truncate(time.Millisecond)) {
			t.Errorf("%s is read as %s, %v", b, read, err)
		}
	}
}
