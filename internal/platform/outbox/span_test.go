package outbox_test

import (
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/outbox"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

func TestEventIsPublishedInItsOwnTrace(t *testing.T) {
	at := clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	p := envelope.Publisher{Service: "tea", Clock: at, IDs: &ids.Sequence{}}
	var items []outbox.Item
	for subject, parent := range map[string]string{
		"a": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"b": "00-11111111111111111111111111111111-2222222222222222-01",
	} {
		e := p.New(tracing.With(t.Context(), parent), "orderflow.tea.pot.brewed.v1", subject, 1, struct{}{})
		if e.TraceParent != parent || e.XRayTraceHeader == "" {
			t.Errorf("the event carries %q and %q", e.TraceParent, e.XRayTraceHeader)
		}
		items = append(items, outbox.Item{PK: "outbox#1", SK: "sk-" + subject, Event: e})
	}
	ctx, recorded := tracingtest.Record(t)
	at.Advance(time.Hour)
	n, err := outbox.Sweep(ctx, &topic{refuse: map[string]bool{"b": true}}, &kept{items: items}, at, time.Minute)
	if n != 1 || err == nil {
		t.Errorf("published %d, %v; want 1 and the refusal of the other", n, err)
	}
	spans := recorded.Spans()
	if len(spans) != 2 {
		t.Fatalf("%d spans, want 2", len(spans))
	}
	for _, s := range spans {
		refused := s.Trace.String() == "11111111111111111111111111111111"
		if s.Kind != tracing.Producer || s.Failed != refused || !refused && s.Parent.String() != "b7ad6b7169203331" {
			t.Errorf("span %+v", s)
		}
	}
}
