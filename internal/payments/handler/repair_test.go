package handler

import (
	"strings"
	"testing"
)

func TestProjectOrderFailsOnUnexpectedEvents(t *testing.T) {
	h := projectOrder(sampleService())
	out, err := h.Invoke(t.Context(), sample(t, "project-order"))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, %v", out, err)
	}
	spoiled := strings.Replace(string(sample(t, "project-order")), "order.rejected", "order.created", 1)
	if out, err := h.Invoke(t.Context(), []byte(spoiled)); err != nil || string(out) == `{"batchItemFailures":[]}` {
		t.Errorf("unexpected event: %s, %v", out, err)
	}
}

func TestScheduleRunsReconciliation(t *testing.T) {
	h := reconcileCharges(sampleService())
	out, err := h.Invoke(t.Context(), sample(t, "reconcile-charges"))
	if err != nil || string(out) != `{"flagged":0,"voided":0}` {
		t.Errorf("answer %s, %v", out, err)
	}
}
