package handler

import (
	"os"
	"strings"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestTheSagaContinuesTheTraceThatStartedIt(t *testing.T) {
	payload, err := os.ReadFile("../../../events/fulfilment/start-fulfilment.json")
	if err != nil {
		t.Fatal(err)
	}
	e := memory.New()
	h := startFulfilment(fulfilment.New(e))
	ctx, recorded := tracingtest.Record(t)
	for range 2 { // the second delivery is a duplicate in another span
		if out, err := h.Invoke(ctx, payload); err != nil || !strings.Contains(string(out), `"batchItemFailures":[]`) {
			t.Fatalf("%s, %v", out, err)
		}
	}
	spans := recorded.Spans()
	input, err := e.Input(t.Context(), fulfilment.FulfilOrder, order)
	if len(spans) != 2 || err != nil {
		t.Fatalf("spans %+v, %v", spans, err)
	}
	want := "-" + spans[0].Trace.String() + "-" + spans[0].ID.String() + "-"
	if !strings.Contains(string(input), want) {
		t.Errorf("input %s, want the parent %s", input, want)
	}
}
