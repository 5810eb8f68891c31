package interleave_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/verify/interleave"
)

var errLost = errors.New("an increment is lost")

// twice has two threads increment a number, read and written separately or in one transaction.
func twice(atomic bool) func(*interleave.Run) error {
	return func(r *interleave.Run) error {
		log := memdb.NewLog(clock.At(time.Unix(0, 0)))
		log.Guard(r)
		n := 0
		increment := func() error {
			seen := 0
			log.View(func() { seen = n })
			return log.Commit(commit.With{}, func() error {
				if atomic {
					seen = n
				}
				n = seen + 1
				return nil
			})
		}
		r.Go("a", increment)
		r.Go("b", increment)
		r.Wait()
		if n != 2 {
			return errLost
		}
		return nil
	}
}

func TestSearchFindsALostUpdateByOneSwitch(t *testing.T) {
	for _, c := range []struct {
		atomic bool
		bounds interleave.Bounds
		broken bool
	}{
		{false, interleave.Bounds{}, false},
		{false, interleave.Bounds{Switches: 1}, true},
		{true, interleave.Bounds{Switches: 3}, false},
		{true, interleave.Bounds{Faults: 1}, true}, // a refused write, which nobody repeats
	} {
		r := interleave.Search(c.bounds, time.Now, twice(c.atomic))
		if (r.Broken != "") != c.broken || c.broken && len(r.Path) == 0 {
			t.Errorf("%+v: broken: %q, %v", c, r.Broken, r.Path)
		}
	}
}

func TestProcessCanEndAfterAWrite(t *testing.T) {
	ends := map[string]int{}
	interleave.Search(interleave.Bounds{Faults: 1}, time.Now, func(r *interleave.Run) error {
		log := memdb.NewLog(clock.At(time.Unix(0, 0)))
		log.Guard(r)
		written, told := false, "ended"
		r.Go("a", func() error {
			err := log.Commit(commit.With{}, func() error { written = true; return nil })
			told = "fine"
			if errors.Is(err, interleave.ErrNoAnswer) {
				told = "no answer"
			}
			return log.Reach(context.Background())
		})
		r.Wait()
		if written {
			told += ", written"
		}
		ends[told]++
		return nil
	})
	if len(ends) != 4 || ends["fine, written"] == 0 || ends["no answer"] == 0 || ends["no answer, written"] == 0 ||
		ends["ended, written"] == 0 {
		t.Errorf("%v", ends)
	}
}
