package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/sandbox/warehouse"
	"orderflow/sandbox/warehouse/memory"
)

// exchange keeps messages as "key id"; it fails once for each error.
type exchange struct {
	sent []string
	fail []error
}

func (e *exchange) Publish(_ context.Context, key, id string, _ []byte) error {
	if len(e.fail) > 0 {
		err := e.fail[0]
		e.fail = e.fail[1:]
		return err
	}
	e.sent = append(e.sent, key+" "+id)
	return nil
}

type world struct {
	warehouse.Warehouse
	now, late exchange
}

func open() *world {
	w := &world{}
	store := memory.New(clock.At(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	w.Warehouse = warehouse.Warehouse{Store: store, Now: &w.now, Late: &w.late}
	return w
}

func (w *world) handle(t *testing.T, kind, order string) {
	t.Helper()
	body := fmt.Sprintf(`{"orderId":%q,"lines":[{"sku":"MUG","quantity":2},{"sku":"TEA","quantity":1}]}`, order)
	if err := w.Handle(t.Context(), warehouse.Message{Type: kind, Body: []byte(body)}); err != nil {
		t.Fatalf("%s %s: %v", kind, order, err)
	}
}

func (w *world) wantOnHand(t *testing.T, sku string, want int) {
	t.Helper()
	if got, err := w.Store.OnHand(t.Context(), sku); err != nil || got != want {
		t.Errorf("%d of %s on hand, %v; want %d", got, sku, err, want)
	}
}

// orderWith returns an order id with a habit.
func orderWith(h warehouse.Habit) string {
	for n := 0; ; n++ {
		if id := fmt.Sprint("order", n); warehouse.HabitOf(id) == h {
			return id
		}
	}
}

func TestRepeatedJobIsPickedOnceAndAnsweredAgain(t *testing.T) {
	w := open()
	order := orderWith(warehouse.Good)
	w.handle(t, "pick.requested", order)
	w.handle(t, "pick.requested", order)
	w.wantOnHand(t, "MUG", -2)
	w.wantOnHand(t, "TEA", -1)
	want := []string{"order.picked picked-" + order, "order.packed packed-" + order}
	if !slices.Equal(w.now.sent, append(want, want...)) {
		t.Errorf("sent %v, want %v twice", w.now.sent, want)
	}
}

func TestEachHabitShows(t *testing.T) {
	for habit, want := range map[warehouse.Habit]string{
		warehouse.Repeats:    "order.picked picked, order.picked picked, order.packed packed",
		warehouse.SaysAgain:  "order.picked picked, order.picked again, order.packed packed",
		warehouse.Breaks:     "order.picked broken, order.picked picked, order.packed packed",
		warehouse.IsLate:     "order.picked picked, late order.packed packed",
		warehouse.WrongOrder: "order.packed packed, order.picked picked",
	} {
		w := open()
		order := orderWith(habit)
		w.handle(t, "pick.requested", order)
		all := slices.Clone(w.now.sent)
		for _, late := range w.late.sent {
			all = append(all, "late "+late)
		}
		if got := strings.ReplaceAll(strings.Join(all, ", "), "-"+order, ""); got != want {
			t.Errorf("habit %d: %s, want %s", habit, got, want)
		}
	}
}

func TestCancellationPutsBackOrBars(t *testing.T) {
	for _, kinds := range [][]string{
		{"pick.requested", "pick.cancelled", "pick.cancelled", "pick.requested"}, {"pick.cancelled", "pick.requested"},
	} {
		w := open()
		for _, kind := range kinds {
			w.handle(t, kind, "1")
		}
		w.wantOnHand(t, "MUG", 0)
	}
}

func TestUnansweredJobIsAnsweredAtItsRepetition(t *testing.T) {
	w := open()
	w.now.fail = []error{errors.New("down")}
	order := orderWith(warehouse.Good)
	body := []byte(fmt.Sprintf(`{"orderId":%q,"lines":[{"sku":"MUG","quantity":2}]}`, order))
	m := warehouse.Message{Type: "pick.requested", Body: body}
	if err := w.Handle(t.Context(), m); err == nil {
		t.Error("no error, so the job is not delivered again")
	}
	if err := w.Handle(t.Context(), m); err != nil || len(w.now.sent) != 2 {
		t.Errorf("%v, sent %v", err, w.now.sent)
	}
	w.wantOnHand(t, "MUG", -2)
}

func TestForeignMessagesAreRefused(t *testing.T) {
	for kind, body := range map[string]string{
		"pick.requested": `{"orderId":"1","lines":[]}`, "pick.cancelled": `{}`, "goods.received": `{"orderId":"1"}`, "x": `{`,
	} {
		err := open().Handle(t.Context(), warehouse.Message{Type: kind, Body: []byte(body)})
		if !errors.Is(err, warehouse.ErrMessage) {
			t.Errorf("%s %s: %v, want ErrMessage", kind, body, err)
		}
	}
}

func call(t *testing.T, w *world, request, key, body string, status int) string {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	answer := httptest.NewRecorder()
	warehouse.Handler(w.Warehouse).ServeHTTP(answer, r)
	if answer.Code != status {
		t.Errorf("%s: %d %s, want %d", request, answer.Code, answer.Body, status)
	}
	return strings.TrimSpace(answer.Body.String())
}

func TestGoodsAreReceivedAndCountedOnce(t *testing.T) {
	w := open()
	const receipt, count = `{"sku":"MUG","quantity":5,"by":"Wim","reference":"DN 7"}`, `{"sku":"MUG","counted":3,"by":"Wim"}`
	for range 2 {
		call(t, w, "POST /warehouse/receipts", "a", receipt, http.StatusCreated)
		call(t, w, "POST /warehouse/counts", "a", count, http.StatusCreated)
	}
	if got := call(t, w, "GET /warehouse/stock/MUG", "", "", http.StatusOK); got != `{"onHand":3,"sku":"MUG"}` {
		t.Errorf("stock: %s", got)
	}
	if len(w.now.sent) != 4 || w.now.sent[0] != w.now.sent[2] || w.now.sent[1] != w.now.sent[3] {
		t.Errorf("sent %v, want the same two twice", w.now.sent)
	}
}

// sending keeps the bodies of messages.
type sending struct{ bodies []string }

func (s *sending) Publish(_ context.Context, key, _ string, body []byte) error {
	s.bodies = append(s.bodies, key+" "+string(body))
	return nil
}

// The warehouse keeps the shop's contract, which has no counts below 0 or above a million.
func TestBooksOutOfBoundsAreNotTold(t *testing.T) {
	w := open()
	var told sending
	w.Now = &told
	const refused = http.StatusConflict
	w.handle(t, "pick.requested", "1") // 2 mugs from before the books began
	call(t, w, "POST /warehouse/counts", "a", `{"sku":"MUG","counted":7,"by":"Wim"}`, refused)
	const million = `{"sku":"PEN","quantity":1000000,"by":"Wim","reference":"DN"}`
	call(t, w, "POST /warehouse/receipts", "b", million, http.StatusCreated)
	call(t, w, "POST /warehouse/receipts", "c", million, refused)
	call(t, w, "POST /warehouse/counts", "b", `{"sku":"PEN","counted":5,"by":"Wim"}`, http.StatusCreated)
	w.wantOnHand(t, "MUG", -2)
	w.wantOnHand(t, "PEN", 5)
	const three, full = `{"sku":"MUG","quantity":3,"by":"Wim","reference":"DN"}`,
		`{"sku":"MUG","quantity":1000000,"by":"Wim","reference":"DN"}`
	call(t, w, "POST /warehouse/receipts", "d", three, http.StatusCreated)
	w.wantOnHand(t, "MUG", 1)
	// A pick that is cancelled puts units back onto a shelf that was filled meanwhile.
	w.handle(t, "pick.requested", "2")
	call(t, w, "POST /warehouse/receipts", "e", full, http.StatusCreated)
	w.handle(t, "pick.cancelled", "2")
	w.wantOnHand(t, "MUG", 1_000_001)
	call(t, w, "POST /warehouse/counts", "c", `{"sku":"MUG","counted":7,"by":"Wim"}`, refused)
	told.bodies = slices.DeleteFunc(told.bodies, func(s string) bool { return strings.HasPrefix(s, "order.") })
	if len(told.bodies) != 4 || told.bodies[1] != `stock.counted {"by":"Wim","counted":5,"expected":1000000,"sku":"PEN"}` {
		t.Errorf("told %q", told.bodies)
	}
}

func TestUnsentMessageIsSentAtTheRepetition(t *testing.T) {
	w := open()
	w.now.fail = []error{errors.New("down")}
	const receipt = `{"sku":"MUG","quantity":5,"by":"Wim","reference":"DN"}`
	call(t, w, "POST /warehouse/receipts", "a", receipt, http.StatusInternalServerError)
	call(t, w, "POST /warehouse/receipts", "a", receipt, http.StatusCreated)
	w.wantOnHand(t, "MUG", 5)
	if len(w.now.sent) != 1 {
		t.Errorf("sent %v", w.now.sent)
	}
}

func TestBadInputIsRefused(t *testing.T) {
	w := open()
	for _, body := range []string{
		`{"sku":"M G","quantity":5,"by":"Wim","reference":"DN"}`, `{"sku":"MUG","quantity":0,"by":"Wim","reference":"DN"}`,
		`{"sku":"MUG","quantity":1000001,"by":"Wim","reference":"DN"}`, `{"sku":"MUG","quantity":5,"by":"","reference":"DN"}`,
		`{"sku":"MUG","quantity":5,"by":"Wim","reference":" "}`, `{"sku":"MUG"}`, `{`,
	} {
		call(t, w, "POST /warehouse/receipts", "a", body, http.StatusBadRequest)
	}
	call(t, w, "POST /warehouse/receipts", "", `{"sku":"MUG","quantity":5,"by":"Wim","reference":"DN"}`, http.StatusBadRequest)
	call(t, w, "POST /warehouse/counts", "a", `{"sku":"MUG","counted":-1,"by":"Wim"}`, http.StatusBadRequest)
	call(t, w, "GET /warehouse/stock/a%20b", "", "", http.StatusBadRequest)
	call(t, w, "GET /warehouse", "", "", http.StatusNotFound)
	w.wantOnHand(t, "MUG", 0)
}
