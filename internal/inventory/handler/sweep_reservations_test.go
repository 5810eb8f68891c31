package handler

import (
	"os"
	"testing"
	"time"

	"orderflow/internal/inventory"
	"orderflow/internal/inventory/memory"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ids"
)

func TestScheduleSweepsReservations(t *testing.T) {
	payload, err := os.ReadFile("../../../events/inventory/sweep-reservations.json")
	if err != nil {
		t.Fatal(err)
	}
	c := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	h := sweepReservations(inventory.New(memory.New(c), c, &ids.Sequence{}))
	if out, err := h.Invoke(t.Context(), payload); err != nil || string(out) != `{"merged":0,"overdue":0,"stuck":0}` {
		t.Errorf("answer %s, %v", out, err)
	}
}
