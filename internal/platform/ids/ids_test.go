package ids_test

import (
	"sync"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

func TestLaterIDsSortLater(t *testing.T) {
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	source, last := ids.Random(c), ""
	for range 100 {
		id := source.New()
		if id <= last || !ids.Valid(id) {
			t.Fatalf("%q after %q", id, last)
		}
		last = id
		c.Advance(time.Millisecond)
	}
}

func TestRandomIDsOfTheSameInstantDiffer(t *testing.T) {
	source := ids.Random(clock.At(time.Unix(0, 0)))
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				id := source.New()
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 800 {
		t.Errorf("%d different ids of 800", len(seen))
	}
}

func TestClockOutOfRangeStillGivesAValidID(t *testing.T) {
	for _, year := range []int{1900, 12000} {
		if id := ids.Random(clock.At(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))).New(); !ids.Valid(id) {
			t.Errorf("in %d: %q", year, id)
		}
	}
}

func TestSequenceCountsUp(t *testing.T) {
	var s ids.Sequence
	if a, b := s.New(), s.New(); a != "00000000000000000000000001" || b != "00000000000000000000000002" {
		t.Errorf("%q, %q", a, b)
	}
}

func TestValidChecksTheForm(t *testing.T) {
	for s, want := range map[string]bool{
		"01ARZ3NDEKTSV4RRFFQ69G5FAV":  true,
		"":                            false,
		"01ARZ3NDEKTSV4RRFFQ69G5FA":   false, // too short
		"01ARZ3NDEKTSV4RRFFQ69G5FAVX": false, // too long
		"01ARZ3NDEKTSV4RRFFQ69G5FAU":  false, // U is not a digit
		"81ARZ3NDEKTSV4RRFFQ69G5FAV":  false, // more than 128 bits
		"01arz3ndektsv4rrffq69g5fav":  false, // lower case
	} {
		if got := ids.Valid(s); got != want {
			t.Errorf("Valid(%q) = %v, want %v", s, got, want)
		}
	}
}
