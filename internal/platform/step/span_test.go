package step_test

import (
	"context"
	"testing"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/step"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestStepIsASpanInTheSagasTrace(t *testing.T) {
	const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"
	h := step.Handle(func(_ context.Context, in input) (result, error) {
		return result{}, fault.New(fault.Conflict, "OutOfTea", "no tea left")
	})
	ctx, recorded := tracingtest.Record(t)
	if _, err := h.Invoke(ctx, []byte(`{"orderId":"`+order+`","traceparent":"`+trace+`"}`)); err == nil {
		t.Fatal("no error")
	}
	s := recorded.Named(t, "function")
	tags := tracingtest.Tags(s)
	if s.Parent.String() != trace[36:52] || !s.Failed || tags["orderId"] != order || tags["error.type"] != "OutOfTea" ||
		len(tags) != 3 {
		t.Errorf("span %+v, tags %v", s, tags)
	}
}
