package warehouse

import (
	"context"
	"encoding/json"
	"errors"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/idempotency"
)

// Receipt is what arrived.
type Receipt struct {
	SKU       string `json:"sku"`
	Quantity  int    `json:"quantity"`
	By        string `json:"by"`
	Reference string `json:"reference"`
}

// Count is what was found.
type Count struct {
	SKU     string `json:"sku"`
	Counted int    `json:"counted"`
	By      string `json:"by"`
}

// Booked says what was booked, and the id of the message about it.
type Booked struct {
	MessageID string `json:"messageId"`
	SKU       string `json:"sku"`
	Delta     int    `json:"delta"`
	OnHand    int    `json:"onHand"`
}

// Receive books a receipt and tells the shop. Repeating the key changes nothing, but tells again.
func (w Warehouse) Receive(ctx context.Context, key string, r Receipt) (Booked, error) {
	return w.book(ctx, "receipt", "goods.received", key, r.SKU, func(int) (int, any) { return r.Quantity, r })
}

// Count books a count and tells the shop; see Receive.
func (w Warehouse) Count(ctx context.Context, key string, c Count) (Booked, error) {
	return w.book(ctx, "count", "stock.counted", key, c.SKU, func(onHand int) (int, any) {
		return c.Counted - onHand, map[string]any{"sku": c.SKU, "expected": onHand, "counted": c.Counted, "by": c.By}
	})
}

// book books a document once, and sends its message. describe returns the move and the message.
func (w Warehouse) book(
	ctx context.Context, kind, message, key, sku string, describe func(onHand int) (int, any),
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
		delta, data := describe(onHand)
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
