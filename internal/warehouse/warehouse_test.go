package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	inventory "orderflow/internal/inventory/contract"
	orders "orderflow/internal/orders/contract"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/envelope"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/jsonschema"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
	"orderflow/internal/warehouse/memory"
)

const order = "01KAQ5M3Z8V7D2X4C6B9N1T0RW"

var errDown = errors.New("down")

// sent is a message that the broker got. Some it does not confirm.
type sent struct{ kind, id, body string }

type world struct {
	*warehouse.Service
	store  *memory.Store
	clock  *clock.Manual
	events envelope.Publisher

	sent   []sent
	broker []error // results of the next messages

	stock     map[string]int
	applied   map[string]bool // by key, which inventory remembers
	attempts  int
	inventory []error // results of the next adjustments; lost ones take effect
}

// errLost is a lost answer: the adjustment takes effect.
var errLost = errors.New("lost answer")

func open() *world {
	w := &world{stock: map[string]int{}, applied: map[string]bool{}}
	w.clock = clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	w.store = memory.New(w.clock)
	w.Service = warehouse.New(w.store, w, w, w.clock, &ids.Sequence{})
	w.events = envelope.Publisher{Service: "test", Clock: w.clock, IDs: &ids.Sequence{}}
	return w
}

func next(results *[]error) (err error) {
	if len(*results) > 0 {
		err, *results = (*results)[0], (*results)[1:]
	}
	return err
}

func (w *world) Publish(_ context.Context, kind, id string, body []byte) error {
	w.sent = append(w.sent, sent{kind, id, string(body)})
	return next(&w.broker)
}

func (w *world) Adjust(_ context.Context, a warehouse.Adjustment) error {
	w.attempts++
	err := next(&w.inventory)
	if (err == nil || errors.Is(err, errLost)) && !w.applied[a.Key] {
		w.applied[a.Key] = true
		w.stock[a.SKU] += a.Delta
	}
	return err
}

func (w *world) event(eventType string, data any) envelope.Event {
	return w.events.New(context.Background(), eventType, order, 1, data)
}

func (w *world) committed() envelope.Event {
	items := []inventory.Line{{SKU: "MUG", Quantity: 2}, {SKU: "TEA", Quantity: 1}}
	return w.event(inventory.StockCommitted, inventory.StockMoved{OrderID: order, Items: items})
}

func (w *world) confirmed() envelope.Event {
	return w.event(orders.OrderConfirmed, orders.Changed{OrderID: order})
}

func (w *world) handle(t *testing.T, events ...envelope.Event) {
	t.Helper()
	for _, e := range events {
		if err := w.SendPickJob(t.Context(), e); err != nil {
			t.Fatalf("%s: %v", e.Type, err)
		}
	}
}

func (w *world) receive(t *testing.T, kind, id, body string) {
	t.Helper()
	parked, err := w.Receive(t.Context(), warehouse.Message{ID: id, Type: kind, Body: []byte(body)})
	if err != nil || parked {
		t.Fatalf("%s: parked %t, %v", kind, parked, err)
	}
}

func (w *world) outbox() (types []string) {
	for _, e := range w.store.TakeOutbox() {
		types = append(types, e.Type)
	}
	return types
}

const job = `{"orderId":"` + order + `","lines":[{"sku":"MUG","quantity":2},{"sku":"TEA","quantity":1}]}`

func TestJobIsSentOnceByTheSecondEvent(t *testing.T) {
	for _, first := range []string{inventory.StockCommitted, orders.OrderConfirmed} {
		w := open()
		c, s := w.confirmed(), w.committed()
		events := []envelope.Event{c, s}
		if events[0].Type != first {
			slices.Reverse(events)
		}
		for range 2 {
			err := w.SendPickJob(t.Context(), events[0])
			if errors.Is(err, warehouse.ErrNoLines) != (events[0].ID == c.ID) {
				t.Errorf("%s alone: %v", first, err)
			}
		}
		if len(w.sent) > 0 {
			t.Errorf("sent after %s alone: %v", first, w.sent)
		}
		w.handle(t, events[1], events[0], events[1])
		if want := (sent{contract.PickRequested, c.ID, job}); len(w.sent) != 1 || w.sent[0] != want {
			t.Errorf("%s first: sent %v, want %v once", first, w.sent, want)
		}
	}
}

func TestUnconfirmedJobIsSentAgainWithItsID(t *testing.T) {
	w := open()
	c, s := w.confirmed(), w.committed()
	w.handle(t, s)
	w.broker = []error{errDown}
	if err := w.SendPickJob(t.Context(), c); !errors.Is(err, errDown) {
		t.Fatalf("SendPickJob: %v, want the broker's error", err)
	}
	w.handle(t, c)
	if len(w.sent) != 2 || w.sent[0] != w.sent[1] {
		t.Errorf("sent %v, want the same twice", w.sent)
	}
}

func TestCancellationNeedsNoLines(t *testing.T) {
	w := open()
	e := w.event(orders.OrderCancelled, orders.Changed{OrderID: order})
	w.handle(t, e, e, w.committed())
	if want := (sent{contract.PickCancelled, e.ID, `{"orderId":"` + order + `"}`}); len(w.sent) != 1 || w.sent[0] != want {
		t.Errorf("sent %v, want %v once", w.sent, want)
	}
}

func TestOtherEventsAreRefused(t *testing.T) {
	w := open()
	if err := w.SendPickJob(t.Context(), w.event(orders.OrderRejected, nil)); !errors.Is(err, warehouse.ErrUnexpected) {
		t.Errorf("SendPickJob: %v, want ErrUnexpected", err)
	}
}

func TestMessagesToTheWarehouseMatchTheirSchemas(t *testing.T) {
	w := open()
	w.handle(t, w.committed(), w.confirmed())
	o := open()
	o.handle(t, o.event(orders.OrderCancelled, orders.Changed{OrderID: order}))
	for _, m := range append(w.sent, o.sent...) {
		text, err := contract.Messages.ReadFile("messages/" + m.kind + ".json")
		if err != nil {
			t.Fatal(err)
		}
		schema, err := jsonschema.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate([]byte(m.body)); err != nil {
			t.Errorf("%s: %v", m.kind, err)
		}
	}
}

const (
	goods   = `{"sku":"MUG","quantity":5,"by":"Wim","reference":"DN-7","later":1}`
	count   = `{"sku":"MUG","expected":5,"counted":3,"by":"Wim"}`
	prepare = `{"orderId":"` + order + `"}`
)

func TestReceivedAndCountedStockIsMovedOnce(t *testing.T) {
	w := open()
	for range 3 {
		w.receive(t, contract.GoodsReceivedMessage, "m1", goods)
		w.receive(t, contract.StockCountedMessage, "m2", count)
	}
	if got := w.outbox(); !slices.Equal(got, []string{contract.GoodsReceived, contract.StockCounted}) {
		t.Errorf("events %v", got)
	}
	for range 3 {
		for _, id := range []string{"m1", "m2"} {
			if err := w.AdjustStock(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.stock["MUG"] != 3 || w.attempts != 2 {
		t.Errorf("stock %v after %d attempts, want 3 after 2", w.stock, w.attempts)
	}
	m, _ := w.store.Movement(t.Context(), "m1")
	if want := "goods received by Wim, reference DN-7, message m1"; m.Reason != want || !m.Applied {
		t.Errorf("movement %+v, want the reason %q", m, want)
	}
	m, _ = w.store.Movement(t.Context(), "m2")
	if want := "3 counted instead of 5 by Wim, message m2"; m.Reason != want {
		t.Errorf("reason %q, want %q", m.Reason, want)
	}
}

func TestExactCountAdjustsNothing(t *testing.T) {
	w := open()
	w.receive(t, contract.StockCountedMessage, "m1", `{"sku":"MUG","expected":5,"counted":5,"by":"Wim"}`)
	if err := w.AdjustStock(t.Context(), "m1"); err != nil || w.attempts > 0 {
		t.Errorf("AdjustStock: %v, %d attempts", err, w.attempts)
	}
	if got := w.outbox(); !slices.Equal(got, []string{contract.StockCounted}) {
		t.Errorf("events %v", got)
	}
}

func TestOrderIsPickedAndPackedOnce(t *testing.T) {
	w := open()
	w.handle(t, w.committed(), w.confirmed())
	w.receive(t, contract.OrderPackedMessage, "m2", prepare) // overtook the other
	w.receive(t, contract.OrderPickedMessage, "m1", prepare)
	w.receive(t, contract.OrderPickedMessage, "m1", prepare)
	w.receive(t, contract.OrderPickedMessage, "m3", prepare) // says the same again
	if got := w.outbox(); !slices.Equal(got, []string{contract.OrderPacked, contract.OrderPicked}) {
		t.Errorf("events %v", got)
	}
}

func TestWhatCannotBeUnderstoodIsParkedOnce(t *testing.T) {
	const valid = contract.GoodsReceivedMessage
	for name, m := range map[string]warehouse.Message{
		"MessageWithoutId":   {Type: valid, Body: []byte(goods)},
		"UnknownMessageType": {ID: "m", Type: "goods.lost", Body: []byte(goods)},
		"InvalidMessage":     {ID: "m", Type: valid, Body: []byte(`{"sku":"MUG","quantity":0,"by":"Wim","reference":"DN"}`)},
		"OrderNotToPick":     {ID: "m", Type: contract.OrderPickedMessage, Body: []byte(prepare)},
	} {
		w := open()
		for range 2 {
			if parked, err := w.Receive(t.Context(), m); err != nil || !parked {
				t.Errorf("%s: parked %t, %v", name, parked, err)
			}
		}
		found, err := w.store.Parked(t.Context())
		if err != nil || len(found) != 1 || found[0].Reason[:len(name)] != name ||
			string(found[0].Message.Body) != string(m.Body) {
			t.Errorf("%s: parked %+v, %v", name, found, err)
		}
		if got := w.outbox(); len(got) > 0 {
			t.Errorf("%s: events %v", name, got)
		}
	}
}

func TestIDsThatInventoryWouldRefuseAreParked(t *testing.T) {
	for _, id := range []string{"a b", "ä", fmt.Sprintf("%065d", 0), "4111111111111111"} {
		w := open()
		if parked, err := w.Receive(t.Context(), warehouse.Message{
			ID: id, Type: contract.GoodsReceivedMessage, Body: []byte(goods),
		}); err != nil || !parked {
			t.Errorf("id %q: parked %t, %v", id, parked, err)
		}
	}
}

func TestReusedIDIsParkedAndChangesNothing(t *testing.T) {
	w := open()
	w.receive(t, contract.GoodsReceivedMessage, "m1", goods)
	other := warehouse.Message{ID: "m1", Type: contract.StockCountedMessage, Body: []byte(count)}
	if parked, err := w.Receive(t.Context(), other); err != nil || !parked {
		t.Errorf("parked %t, %v", parked, err)
	}
	if got := w.outbox(); len(got) != 1 {
		t.Errorf("events %v", got)
	}
}

func TestLostAnswerIsAskedForAgainWithTheSameKey(t *testing.T) {
	w := open()
	w.receive(t, contract.GoodsReceivedMessage, "m1", goods)
	w.inventory = []error{errLost}
	if err := w.AdjustStock(t.Context(), "m1"); !errors.Is(err, errLost) {
		t.Fatal(err)
	}
	if err := w.AdjustStock(t.Context(), "m1"); !errors.Is(err, warehouse.ErrAdjusting) {
		t.Errorf("a second delivery meanwhile: %v, want ErrAdjusting", err)
	}
	w.clock.Advance(warehouse.Claim)
	if err := w.AdjustStock(t.Context(), "m1"); err != nil || w.stock["MUG"] != 5 {
		t.Errorf("%v, stock %v", err, w.stock)
	}
}

func TestNothingIsRepeatedOnceTheKeyIsForgotten(t *testing.T) {
	w := open()
	w.receive(t, contract.GoodsReceivedMessage, "m1", goods)
	w.inventory = []error{errLost}
	_ = w.AdjustStock(t.Context(), "m1")
	w.clock.Advance(24 * time.Hour)
	clear(w.applied)
	if err := w.AdjustStock(t.Context(), "m1"); !errors.Is(err, warehouse.ErrOutcomeUnknown) || w.stock["MUG"] != 5 {
		t.Errorf("%v, stock %v; want ErrOutcomeUnknown and 5", err, w.stock)
	}
}

func TestRefusedAdjustmentMayBeTriedAtAnyTime(t *testing.T) {
	w := open()
	w.receive(t, contract.GoodsReceivedMessage, "m1", goods)
	w.inventory = []error{warehouse.ErrRefused, warehouse.ErrRefused}
	for range 2 {
		if err := w.AdjustStock(t.Context(), "m1"); !errors.Is(err, warehouse.ErrRefused) {
			t.Fatal(err)
		}
		w.clock.Advance(48 * time.Hour)
	}
	if err := w.AdjustStock(t.Context(), "m1"); err != nil || w.stock["MUG"] != 5 {
		t.Errorf("%v, stock %v", err, w.stock)
	}
}

func TestUnknownMovementIsNotFound(t *testing.T) {
	if err := open().AdjustStock(t.Context(), "m1"); !errors.Is(err, warehouse.ErrNoMovement) {
		t.Errorf("%v, want ErrNoMovement", err)
	}
}
