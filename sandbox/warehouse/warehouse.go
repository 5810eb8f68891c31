// Package warehouse is a stand-in for a warehouse's own system, which speaks AMQP: it takes pick
// jobs, keeps its own count of each product, and reports what it has picked, packed, received and
// counted.
//
// It behaves like such systems: messages come twice, late, in the wrong order or malformed. The
// order's id decides what goes wrong; see Habit.
package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"

	"orderflow/internal/platform/fault"
)

// Line is a quantity of a product.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// Entry is a document in the books: a pick job, a cancellation, a receipt or a count.
type Entry struct {
	// ID is unique among all documents. Its first part says what the document is.
	ID string
	// MessageID and Message are the resulting message to the shop, if any.
	MessageID string
	Message   string
	// Moves are its changes of the stock.
	Moves []Line
}

// Store keeps the books.
type Store interface {
	// Entry returns a document, or ErrNoEntry.
	Entry(ctx context.Context, id string) (Entry, error)
	// Book adds a document and its moves to the stock. It returns fault.ErrLostRace if the document
	// exists, or the one called unless, if that is not empty.
	Book(ctx context.Context, e Entry, unless string) error
	// OnHand returns how many units there are of a product. It may be negative: the books do not
	// include units from before they began.
	OnHand(ctx context.Context, sku string) (int, error)
}

// ErrNoEntry says that there is no such document.
var ErrNoEntry = errors.New("warehouse: no such document")

// Exchange is an exchange of the broker.
type Exchange interface {
	// Publish returns nil once the broker has confirmed the message.
	Publish(ctx context.Context, key, id string, body []byte) error
}

// Warehouse is a warehouse.
type Warehouse struct {
	Store Store
	// Now delivers at once, Late some seconds later.
	Now, Late Exchange
}

// Habit is the way in which the messages about an order go wrong.
type Habit int

// The habits. Each belongs to one in eight orders; the other three eighths have none.
const (
	Repeats    Habit = iota // says picked twice, with one id
	SaysAgain               // says picked twice, with two ids
	Breaks                  // also sends a malformed message
	IsLate                  // says packed seconds late
	WrongOrder              // says packed before picked
	Good                    // the first of the three without any
)

const habits = 8

// HabitOf returns the habit for an order.
func HabitOf(orderID string) Habit {
	h := fnv.New32a()
	_, _ = h.Write([]byte(orderID)) // it never fails
	return Habit(h.Sum32() % habits)
}

// Message is a message from the shop.
type Message struct {
	Type string
	Body []byte
}

// ErrMessage refuses a message that breaks the shop's contract.
var ErrMessage = errors.New("warehouse: the message breaks the contract")

// Handle handles a message from the shop. It may come any number of times.
func (w Warehouse) Handle(ctx context.Context, m Message) error {
	var job struct {
		OrderID string `json:"orderId"`
		Lines   []Line `json:"lines"`
	}
	if err := json.Unmarshal(m.Body, &job); err != nil || job.OrderID == "" {
		return ErrMessage
	}
	switch m.Type {
	case "pick.requested":
		return w.pick(ctx, job.OrderID, job.Lines)
	case "pick.cancelled":
		return w.cancel(ctx, job.OrderID)
	}
	return ErrMessage
}

func pickID(orderID string) string   { return "pick-" + orderID }
func cancelID(orderID string) string { return "cancel-" + orderID }

// pick takes the units from the shelves, unless the job was cancelled or taken before, and answers.
func (w Warehouse) pick(ctx context.Context, orderID string, lines []Line) error {
	if len(lines) == 0 {
		return ErrMessage
	}
	moves := make([]Line, len(lines))
	for i, l := range lines {
		moves[i] = Line{l.SKU, -l.Quantity}
	}
	err := w.Store.Book(ctx, Entry{ID: pickID(orderID), Moves: moves}, cancelID(orderID))
	if errors.Is(err, fault.ErrLostRace) {
		switch _, err := w.Store.Entry(ctx, cancelID(orderID)); {
		case err == nil:
			return nil // cancelled
		case !errors.Is(err, ErrNoEntry):
			return err
		}
	} else if err != nil {
		return err
	}
	return w.answer(ctx, orderID)
}

// cancel puts the units back, or bars a later job.
func (w Warehouse) cancel(ctx context.Context, orderID string) error {
	_, err := fault.RetryLostRace(func() (none struct{}, err error) {
		if _, err := w.Store.Entry(ctx, cancelID(orderID)); !errors.Is(err, ErrNoEntry) {
			return none, err
		}
		job, err := w.Store.Entry(ctx, pickID(orderID))
		if errors.Is(err, ErrNoEntry) {
			return none, w.Store.Book(ctx, Entry{ID: cancelID(orderID)}, pickID(orderID))
		}
		if err != nil {
			return none, err
		}
		for i := range job.Moves {
			job.Moves[i].Quantity *= -1
		}
		return none, w.Store.Book(ctx, Entry{ID: cancelID(orderID), Moves: job.Moves}, "")
	})
	return err
}

// answer reports that the order is picked and packed, according to its habit.
func (w Warehouse) answer(ctx context.Context, orderID string) error {
	body := []byte(fmt.Sprintf(`{"orderId":%q}`, orderID))
	say := func(on Exchange, kind, id string, body []byte) func() error {
		return func() error { return on.Publish(ctx, kind, id+"-"+orderID, body) }
	}
	picked, packed := say(w.Now, "order.picked", "picked", body), say(w.Now, "order.packed", "packed", body)
	steps := []func() error{picked, packed}
	switch HabitOf(orderID) {
	case Repeats:
		steps = []func() error{picked, picked, packed}
	case SaysAgain:
		steps = []func() error{picked, say(w.Now, "order.picked", "again", body), packed}
	case Breaks:
		steps = []func() error{say(w.Now, "order.picked", "broken", body[:len(body)-1]), picked, packed}
	case IsLate:
		steps = []func() error{picked, say(w.Late, "order.packed", "packed", body)}
	case WrongOrder:
		steps = []func() error{packed, picked}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
