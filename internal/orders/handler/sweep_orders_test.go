package handler

import (
	"os"
	"testing"
	"time"

	"orderflow/internal/orders"
	"orderflow/internal/orders/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

func TestSweepOrdersReportsWhatItFound(t *testing.T) {
	payload, err := os.ReadFile("../../../events/orders/sweep-orders.json")
	if err != nil {
		t.Fatal(err)
	}
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	h := sweepOrders(orders.New(memory.New(c), c, &ids.Sequence{}))
	if out, err := h.Invoke(t.Context(), payload); err != nil || string(out) != `{"flagged":0,"overdue":0,"stuck":0}` {
		t.Errorf("result %s, %v", out, err)
	}
}
