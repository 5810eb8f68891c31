package faults

import (
	"log/slog"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // circuits log their changes
	goleak.VerifyTestMain(m)
}

func TestEveryFaultIsBoundedReportedAndSurvived(t *testing.T) {
	results, err := RunAll(t.Context(), !raced)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		t.Run(r.Name, func(t *testing.T) {
			for _, v := range r.Violations {
				t.Error(v)
			}
		})
	}
}

// inhabit returns a world that ends with the test.
func inhabit(t *testing.T) *world {
	t.Helper()
	w, err := newWorld(Scenario{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.close)
	return w
}
