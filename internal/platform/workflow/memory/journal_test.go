package memory_test

import (
	"errors"
	"testing"

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
