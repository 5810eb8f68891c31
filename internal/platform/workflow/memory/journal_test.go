package memory_test

import (
	"errors"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/storesuite"
	"orderflow/internal/platform/workflow"
	"orderflow/internal/platform/workflow/journaltest"
	"orderflow/internal/platform/workflow/memory"
)

func TestJournal(t *testing.T) {
	open := func(*testing.T, clock.Clock) (workflow.Journal, storesuite.Newer) { return memory.New(100), nil }
	storesuite.RunCases(t, open, journaltest.Suite)
}

func TestOldExecutionsLeave(t *testing.T) {
	j := memory.New(2)
	for _, name := range []string{"a", "b", "c"} {
		x := journaltest.Execution(name)
		storesuite.Must(t, j.Save(t.Context(), x))
		storesuite.Must(t, j.Save(t.Context(), journaltest.Ended(x)))
	}
	if _, err := j.Execution(t.Context(), "machine", "a"); !errors.Is(err, workflow.ErrNone) {
		t.Errorf("the oldest of three: %v", err)
	}
	if _, err := j.Execution(t.Context(), "machine", "b"); err != nil {
		t.Errorf("the second: %v", err)
	}
}

func TestYoungExecutionsStay(t *testing.T) {
	j := memory.Lasting(1, time.Hour)
	for i, name := range []string{"a", "b", "c"} {
		x := journaltest.Execution(name)
		storesuite.Must(t, j.Save(t.Context(), x))
		x = journaltest.Ended(x)
		x.Ended = x.Started.Add(time.Duration(i) * 40 * time.Minute)
		storesuite.Must(t, j.Save(t.Context(), x))
	}
	for name, want := range map[string]error{"a": workflow.ErrNone, "b": nil} {
		if _, err := j.Execution(t.Context(), "machine", name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
