package schedule_test

import (
	"context"
	"errors"
	"testing"

	"orderflow/internal/platform/schedule"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestRunIsTheRootOfItsTrace(t *testing.T) {
	ctx, recorded := tracingtest.Record(t)
	h := schedule.Handle(func(context.Context) (schedule.Report, error) { return nil, errors.New("stuck") })
	if _, err := h.Invoke(ctx, nil); err == nil {
		t.Fatal("no error")
	}
	if s := recorded.Named(t, "function"); s.Parent.IsValid() || !s.Failed {
		t.Errorf("span %+v", s)
	}
}
