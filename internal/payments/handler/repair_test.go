package handler

import (
	"strings"
	"testing"
)

func TestTheEndOfAnOrderIsNotedAndAnEventThatIsNoneFails(t *testing.T) {
	h := projectOrder(sampleService())
	out, err := h.Invoke(t.Context(), sample(t, "project-order"))
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("answer %s, %v", out, err)
	}
	spoiled := strings.Replace(string(sample(t, "project-order")), "order.rejected", "order.created", 1)
	if out, err := h.Invoke(t.Context(), []byte(spoiled)); err != nil || string(out) == `{"batchItemFailures":[]}` {
		t.Errorf("an event that this queue does not take: %s, %v", out, err)
	}
}

func TestTheScheduleReconciles(t *testing.T) {
	h := reconcileCharges(sampleService())
	if out, err := h.Invoke(t.Context(), sample(t, "reconcile-charges")); err != nil || string(out) != `{"flagged":0,"voided":0}` {
		t.Errorf("answer %s, %v", out, err)
	}
}
