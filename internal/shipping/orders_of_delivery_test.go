package shipping_test

import (
	"slices"
	"strings"
	"testing"

	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/fault"
	"orderflow/internal/shipping"
	"orderflow/internal/shipping/contract"
)

// TestNothingShipsAfterAnUndoAndEveryWaitIsAnswered plays every sequence of up to five deliveries,
// repeated and in any order, with lost responses and late requests. After a successful undo the
// carrier must not ship. Every execution that waits for a decided shipment must have been sent an
// event with its token.
func TestNothingShipsAfterAnUndoAndEveryWaitIsAnswered(t *testing.T) {
	actions := []string{
		"do", "do-response-lost", "do-request-late", "await", "booked", "refused", "undo", "undo-response-lost",
	}
	played := 0
	var play func(prefix []string)
	play = func(prefix []string) {
		if len(prefix) > 0 {
			run(t, prefix)
			played++
		}
		if len(prefix) == 5 || t.Failed() {
			return
		}
		for _, a := range actions {
			play(append(prefix[:len(prefix):len(prefix)], a))
		}
	}
	play(nil)
	if want := 8 + 64 + 512 + 4096 + 32768; played != want && !t.Failed() {
		t.Errorf("played %d sequences, want %d", played, want)
	}
}

func run(t *testing.T, deliveries []string) {
	t.Helper()
	d := open()
	undone := false
	for _, what := range deliveries {
		d.network.loseAnswer = strings.HasSuffix(what, "response-lost")
		d.network.loseRequest = strings.HasSuffix(what, "request-late")
		var err error
		switch name, _, _ := strings.Cut(what, "-"); name {
		case "do":
			_, err = d.ArrangeShipment(t.Context(), arrange)
		case "await":
			_, err = d.AwaitShipment(t.Context(), await)
		case "booked":
			err = d.ReceiveCallback(t.Context(), booked)
		case "refused":
			err = d.ReceiveCallback(t.Context(), refused)
		case "undo":
			_, err = d.CancelShipment(t.Context(), cancel)
			undone = undone || err == nil
		}
		if fault.KindOf(err) == fault.Internal {
			t.Errorf("%v: %s: %v", deliveries, what, err)
		}
	}
	for _, late := range d.network.late {
		_, _ = d.carrier.Book(t.Context(), late) // the caller has given up
	}
	if undone && d.sandbox.WillShip(order) {
		t.Errorf("%v: undone, but the carrier ships", deliveries)
	}
	sh, err := d.GetShipment(t.Context(), order)
	if err == nil && undone && sh.Status != shipping.StatusCancelled && sh.Status != shipping.StatusRefused {
		t.Errorf("%v: undone, but the shipment is %s", deliveries, sh.Status)
	}
	if err != nil || sh.ResumeToken == "" || sh.Status == shipping.StatusRequested {
		return
	}
	events, _ := d.store.Outbox(t.Context())
	if !slices.ContainsFunc(events, func(e envelope.Event) bool {
		data, err := envelope.Decode[contract.ShipmentEvent](e)
		return err == nil && data.ResumeToken == sh.ResumeToken && e.Type != contract.ShipmentRequested
	}) {
		t.Errorf("%v: the shipment is %s, but the waiting saga got no event", deliveries, sh.Status)
	}
}
