package handler

import (
	"os"
	"strings"
	"testing"

	"orderflow/internal/fulfilment"
	"orderflow/internal/fulfilment/memory"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestTheSagasStepsGoOnWithTheSpanThatStartedIt(t *testing.T) {
	payload, err := os.ReadFile("../../../events/fulfilment/start-fulfilment.json")
	if err != nil {
		t.Fatal(err)
	}
	e := memory.New()
	h := startFulfilment(fulfilment.New(e))
	ctx, recorded := tracingtest.Record(t)
	for range 2 { // the second delivery has a span of its own, and is a duplicate all the same
		if out, err := h.Invoke(ctx, payload); err != nil || !strings.Contains(string(out), `"batchItemFailures":[]`) {
			t.Fatalf("%s, %v", out, err)
		}
	}
	spans := recorded.Spans()
	input, err := e.Input(t.Context(), fulfilment.FulfilOrder, order)
	if len(spans) != 2 || err != nil || !strings.Contains(string(input), "-"+spans[0].Trace.String()+"-"+spans[0].ID.String()+"-") {
		t.Errorf("input %s of the saga, %v; want it below span %+v", input, err, spans)
	}
}
