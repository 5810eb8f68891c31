package warehouse

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
	"orderflow/sandbox/web"
)

// Receipt is a delivery that arrived.
type Receipt struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	By        string `json:"by"`
	Reference string `json:"reference"`
}

// Count is the result of a count.
type Count struct {
	SKU     string `json:"sku"`
	Counted int    `json:"counted"`
	By      string `json:"by"`
}

// Refusals of documents. If the books took them, messages would violate the shop's contract.
var (
	ErrFull = &web.Error{
		Status: http.StatusConflict, Code: "shelf_full", Message: "there is room for 1,000,000 units of a product",
	}
	ErrUnknownStock = &web.Error{
		Status: http.StatusConflict, Code: "stock_unknown",
		Message: "the books are below 0: units were picked that had been there before the books began, so a count " +
			"cannot be compared with them",
	}
)

// Booked is the booking, with the id of the message about it.
type Booked struct {
	MessageID string `json:"messageId"`
	SKU       string `json:"sku"`
	Delta     int    `json:"delta"`
	OnHand    int    `json:"onHand"`
}

// Receive books a receipt and tells the shop. Repeating the key changes nothing, but tells again.
func (w Warehouse) Receive(ctx context.Context, key string, r Receipt) (Booked, error) {
	return w.book(ctx, "receipt", "goods.received", key, r.SKU, func(onHand int) (int, any, error) {
		if onHand+r.Quantity > most {
			return 0, nil, ErrFull
		}
		return r.Quantity, r, nil
	})
}

// Count books a count and tells the shop; see Receive.
func (w Warehouse) Count(ctx context.Context, key string, c Count) (Booked, error) {
	return w.book(ctx, "count", "stock.counted", key, c.SKU, func(onHand int) (int, any, error) {
		switch {
		case onHand < 0:
			return 0, nil, ErrUnknownStock
		case onHand > most: // after a cancelled pick
			return 0, nil, ErrFull
		}
		told := map[string]any{"sku": c.SKU, "expected": onHand, "counted": c.Counted, "by": c.By}
		return c.Counted - onHand, told, nil
	})
}

// book books a document once, and sends its message. describe returns the move and the message.
func (w Warehouse) book(
	ctx context.Context, kind, message, key, sku string, describe func(onHand int) (int, any, error),
) (Booked, error) {
	id := kind + "-" + idempotency.Hash([]byte(key))[:32]
	e, err := fault.RetryLostRace(func() (Entry, error) {
		if e, err := w.Store.Entry(ctx, id); !errors.Is(err, ErrNoEntry) {
			return e, err
		}
		onHand, err := w.Store.OnHand(ctx, sku)
		if err != nil {
			return Entry{}, err
		}
		delta, data, err := describe(onHand)
		if err != nil {
			return Entry{}, err
		}
		body, err := json.Marshal(data)
		if err != nil {
			return Entry{}, err
		}
		e := Entry{ID: id, MessageID: id, Message: string(body), Moves: []Line{{sku, delta}}}
		return e, w.Store.Book(ctx, e, "")
	})
	if err != nil {
		return Booked{}, err
	}
	if err := w.Now.Publish(ctx, message, e.MessageID, []byte(e.Message)); err != nil {
		return Booked{}, err
	}
	onHand, err := w.Store.OnHand(ctx, e.Moves[0].SKU)
	return Booked{MessageID: e.MessageID, SKU: e.Moves[0].SKU, Delta: e.Moves[0].Quantity, OnHand: onHand}, err
}
