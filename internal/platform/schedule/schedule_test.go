package schedule_test

import (
	"context"
	"errors"
	"testing"

	"orderflow/internal/platform/schedule"
	"orderflow/internal/platform/tracing"
)

func TestRunReturnsItsReportAndHasATrace(t *testing.T) {
	h := schedule.Handle(func(ctx context.Context) (schedule.Report, error) {
		if tracing.Parent(ctx) == "" {
			t.Error("the run has no trace")
		}
		return schedule.Report{"overdue": 2}, nil
	})
	if out, err := h.Invoke(t.Context(), []byte(`anything`)); err != nil || string(out) != `{"overdue":2}` {
		t.Errorf("response %s, %v", out, err)
	}
}

func TestFailedRunFailsTheInvocation(t *testing.T) {
	failure := errors.New("stuck")
	h := schedule.Handle(func(context.Context) (schedule.Report, error) { return schedule.Report{"stuck": 1}, failure })
	if _, err := h.Invoke(t.Context(), nil); !errors.Is(err, failure) {
		t.Errorf("%v, want the failure", err)
	}
}
