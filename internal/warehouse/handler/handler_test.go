package handler

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/memdb"
	"orderflow/internal/platform/schema"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
	"orderflow/internal/warehouse/memory"
)

// world plays the broker and inventory.
type world struct {
	store    *memory.Store
	svc      *warehouse.Service
	jobs     []string // bodies
	adjusted []warehouse.Adjustment
}

func open() *world {
	c := clock.At(time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC))
	w := &world{store: memory.New(c)}
	w.svc = warehouse.New(w.store, w, w, c, &ids.Sequence{})
	return w
}

func (w *world) Publish(_ context.Context, _, _ string, body []byte) error {
	w.jobs = append(w.jobs, string(body))
	return nil
}

func (w *world) Adjust(_ context.Context, a warehouse.Adjustment) error {
	w.adjusted = append(w.adjusted, a)
	return nil
}

// invoke calls a function with its sample, events/warehouse/<name>.json.
func (w *world) invoke(t *testing.T, name string) (string, error) {
	t.Helper()
	sample, err := os.ReadFile("../../../events/warehouse/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Handlers(w.svc)[name].Invoke(t.Context(), sample)
	return string(out), err
}

func (w *world) answers(t *testing.T, name, want string) {
	t.Helper()
	if out, err := w.invoke(t, name); err != nil || out != want {
		t.Errorf("%s: %s, %v; want %s", name, out, err, want)
	}
}

const allHandled = `{"batchItemFailures":[]}`

func TestSamplesGoFromTheOrderToThePickedUnits(t *testing.T) {
	w := open()
	w.answers(t, "send-pick-job", allHandled)
	want := `{"orderId":"01KAQ5M3Z8V7D2X4C6B9N1T0RW","lines":[{"sku":"MUG-BLUE","quantity":2},{"sku":"TEA-EARL-GREY","quantity":1}]}`
	if len(w.jobs) != 1 || w.jobs[0] != want {
		t.Errorf("jobs %v, want %s", w.jobs, want)
	}
}

func TestReceivedGoodsReachInventory(t *testing.T) {
	w := open()
	w.answers(t, "receive-goods", "") // the third message is broken
	parked, err := w.store.Parked(t.Context())
	if err != nil || len(parked) != 1 || !strings.HasPrefix(parked[0].Reason, "InvalidMessage") {
		t.Errorf("parked %+v, %v", parked, err)
	}
	schemas := schema.Load(contract.Schemas)
	events := w.store.TakeOutbox()
	for _, e := range events {
		if err := schemas.Validate(e); err != nil {
			t.Errorf("%s: %v", e.Type, err)
		}
	}
	if len(events) != 2 {
		t.Errorf("%d events, want 2", len(events))
	}
	w.answers(t, "adjust-stock-levels", allHandled)
	w.answers(t, "adjust-stock-levels", allHandled)
	want := warehouse.Adjustment{
		Key: "wms-20261123-0017", SKU: "MUG-BLUE", Delta: 48,
		Reason: "goods received by W-12, reference DN-88213, message wms-20261123-0017",
	}
	if len(w.adjusted) != 1 || w.adjusted[0] != want {
		t.Errorf("adjusted %+v, want %+v once", w.adjusted, want)
	}
}

func TestEventOfAnUnknownMovementIsRetried(t *testing.T) {
	w := open()
	if out, err := w.invoke(t, "adjust-stock-levels"); err != nil || !strings.Contains(out, "itemIdentifier") {
		t.Errorf("%s, %v", out, err)
	}
}

// down is a table that does not answer.
type down struct{ memdb.Open }

func (down) Find() error { return fault.New(fault.Transient, "Down", "no answer") }

func TestBatchIsDeliveredAgainIfTheTableFails(t *testing.T) {
	w := open()
	w.store.Guard(down{})
	if _, err := w.invoke(t, "receive-goods"); err == nil {
		t.Error("no error, so the messages are lost")
	}
	w.store.Guard(memdb.Open{})
	w.answers(t, "receive-goods", "")
	if events := w.store.TakeOutbox(); len(events) != 2 {
		t.Errorf("%d events, want 2", len(events))
	}
}
