package shipping_test

import (
	"testing"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

// The carrier may propagate our trace, start its own, or send none.
func TestCallbackContinuesTheTraceOfTheBooking(t *testing.T) {
	const asked = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, back := range map[string]string{
		"propagated": "00-0af7651916cd43dd8448eb211c80319c-2222222222222222-01",
		"own":        "00-11111111111111111111111111111111-2222222222222222-01",
		"none":       "",
	} {
		d := open()
		if _, err := d.ArrangeShipment(tracing.With(t.Context(), asked), arrange); err != nil {
			t.Fatal(err)
		}
		ctx, recorded := tracingtest.Record(t)
		if err := d.ReceiveCallback(tracing.With(ctx, back), booked); err != nil {
			t.Fatal(err)
		}
		s := recorded.Named(t, "receive callback")
		parent := asked
		if name == "propagated" {
			parent = back
		}
		if s.Trace.String() != asked[3:35] || s.Parent.String() != parent[36:52] {
			t.Errorf("%s: span %+v, want parent %s", name, s, parent)
		}
		events, err := d.store.Outbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var last envelope.Event
		for _, e := range events {
			if e.AggregateVersion > last.AggregateVersion {
				last = e
			}
		}
		if want := "00-" + asked[3:35] + "-" + s.ID.String() + "-01"; last.TraceParent != want {
			t.Errorf("%s: the event has trace %s, want %s", name, last.TraceParent, want)
		}
	}
}
