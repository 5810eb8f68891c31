package warehouse_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ids"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/memory"
)

func receive(t *testing.T, w *world, id, kind, body string) (parked bool) {
	t.Helper()
	parked, err := w.Receive(t.Context(), warehouse.Message{ID: id, Type: kind, Body: []byte(body)})
	if err != nil {
		t.Errorf("the broker delivers the batch again, without end: %v", err)
	}
	return parked
}

func TestAFieldOfTheBodyIsNotTheMessagesID(t *testing.T) {
	w := open()
	for _, id := range []string{"m-1", "m-2", "m-3"} {
		if receive(t, w, id, "goods.received",
			`{"messageId":"m-1","sku":"MUG","quantity":10,"by":"W-1","reference":"DN"}`) {
			t.Fatal("parked")
		}
		for _, e := range w.store.TakeOutbox() {
			var data struct{ MessageID string }
			if err := json.Unmarshal(e.Data, &data); err != nil {
				t.Fatal(err)
			}
			if err := w.AdjustStock(t.Context(), data.MessageID); err != nil {
				t.Error(err)
			}
		}
	}
	if w.stock["MUG"] != 30 {
		t.Errorf("30 mugs were received, %d are in stock", w.stock["MUG"])
	}
}

func TestOnlyWhatWasValidatedIsUsed(t *testing.T) {
	for _, c := range []struct{ kind, body string }{
		{"goods.received", `{"sku":"MUG","quantity":1,"by":"b","reference":"r","Quantity":-5}`},
		{"stock.counted", `{"sku":"MUG","expected":1,"counted":1,"by":"b","Counted":-7}`},
		{"stock.counted", `{"sku":"MUG","expected":1,"counted":2,"by":"b","By":"4111 1111 1111 1111"}`},
	} {
		w := open()
		receive(t, w, "m-1", c.kind, c.body)
		m, err := w.store.Movement(t.Context(), "m-1")
		if err != nil || m.Delta < 0 || strings.Contains(m.Reason, "4111") {
			t.Errorf("%s: movement of %d, %q, %v", c.body, m.Delta, m.Reason, err)
		}
	}
}

// table refuses what DynamoDB refuses: keys of more than 2,048 bytes, items of more than 400 KB.
type table struct{ *memory.Store }

var errTooLarge = errors.New("ValidationException")

func (s table) Order(ctx context.Context, id string) (warehouse.Order, error) {
	if len("order#"+id) > 2048 {
		return warehouse.Order{}, errTooLarge
	}
	return s.Store.Order(ctx, id)
}

func (s table) SaveMovement(ctx context.Context, m warehouse.Movement, with commit.With) error {
	if len(m.Reason) > 400<<10 {
		return errTooLarge
	}
	return s.Store.SaveMovement(ctx, m, with)
}

func (s table) Park(ctx context.Context, p warehouse.Parked) error {
	if len(p.Reason)+len(p.Message.Body) > 400<<10 {
		return errTooLarge
	}
	return s.Store.Park(ctx, p)
}

func TestNoMessageBlocksTheQueue(t *testing.T) {
	long := strings.Repeat("x", 500_000)
	for name, c := range map[string]struct{ kind, body string }{
		"long order id": {"order.picked", `{"orderId":"` + order + `","OrderId":"` + long[:3000] + `"}`},
		"long worker":   {"goods.received", `{"sku":"MUG","quantity":1,"by":"b","reference":"r","By":"` + long + `"}`},
		"long number": {"goods.received",
			`{"sku":"MUG","quantity":1.` + strings.Repeat("0", 500_000) + `,"by":"b","reference":"r"}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := open()
			w.Service = warehouse.New(table{w.store}, w, w, w.clock, &ids.Sequence{})
			for range 2 {
				receive(t, w, "m-1", c.kind, c.body)
			}
		})
	}
}
