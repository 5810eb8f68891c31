package shipping_test

import (
	"testing"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/tracing"
	"orderflow/internal/platform/tracing/tracingtest"
)

// The carrier may hand our trace on, begin one of its own, or know of none.
func TestACallbackGoesOnWithTheTraceInWhichTheCarrierWasAsked(t *testing.T) {
	const asked = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for name, back := range map[string]string{
		"handed on": "00-0af7651916cd43dd8448eb211c80319c-2222222222222222-01", "its own": "00-11111111111111111111111111111111-2222222222222222-01", "none": "",
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
		above := asked
		if name == "handed on" {
			above = back
		}
		if s.Trace.String() != asked[3:35] || s.Parent.String() != above[36:52] {
			t.Errorf("%s: span %+v, want it below %s", name, s, above)
		}
		waiting, err := d.store.Outbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var last envelope.Event
		for _, e := range waiting {
			if e.AggregateVersion > last.AggregateVersion {
				last = e
			}
		}
		if want := "00-" + asked[3:35] + "-" + s.ID.String() + "-01"; last.TraceParent != want {
			t.Errorf("%s: the event carries %s, want %s", name, last.TraceParent, want)
		}
	}
}
