package dynamo

import (
	"time"

	"orderflow/internal/platform/ddb"
	"orderflow/internal/warehouse"
	"orderflow/internal/warehouse/contract"
)

type order struct {
	Lines       []line    `dynamodbav:"lines,omitempty" write:"once"`
	ConfirmedBy string    `dynamodbav:"confirmedBy,omitempty"`
	CancelledBy string    `dynamodbav:"cancelledBy,omitempty"`
	Sent        bool      `dynamodbav:"sent"`
	PickedAt    time.Time `dynamodbav:"pickedAt,omitempty"`
	PackedAt    time.Time `dynamodbav:"packedAt,omitempty"`
	Version     int64     `dynamodbav:"version"`
}

type line struct {
	SKU      string `dynamodbav:"sku"`
	Quantity int    `dynamodbav:"quantity"`
}

var orderItems = ddb.Versioned[warehouse.Order, order]{
	Key: ddb.Under("order#", "order"), Encode: fromOrder, Decode: order.domain, Retention: warehouse.Retention,
}

func fromOrder(o warehouse.Order) order {
	item := order{
		ConfirmedBy: o.ConfirmedBy, CancelledBy: o.CancelledBy, Sent: o.Sent, PickedAt: o.PickedAt,
		PackedAt: o.PackedAt, Version: o.Version,
	}
	for _, l := range o.Lines {
		item.Lines = append(item.Lines, line(l))
	}
	return item
}

func (item order) domain(id string) warehouse.Order {
	o := warehouse.Order{
		ID: id, ConfirmedBy: item.ConfirmedBy, CancelledBy: item.CancelledBy, Sent: item.Sent,
		PickedAt: item.PickedAt, PackedAt: item.PackedAt, Version: item.Version,
	}
	for _, l := range item.Lines {
		o.Lines = append(o.Lines, contract.Line(l))
	}
	return o
}

type movement struct {
	attempts
	SKU     string `dynamodbav:"sku"`
	Delta   int    `dynamodbav:"delta"`
	Reason  string `dynamodbav:"reason"`
	Applied bool   `dynamodbav:"applied"`
	Version int64  `dynamodbav:"version"`
}

type attempts struct {
	FirstTriedAt time.Time `dynamodbav:"firstTriedAt,omitempty"`
	ClaimedUntil time.Time `dynamodbav:"claimedUntil,omitempty"`
}

var movementItems = ddb.Versioned[warehouse.Movement, movement]{
	Key: ddb.Under("movement#", "movement"), Missing: warehouse.ErrNoMovement,
	Encode: fromMovement, Decode: movement.domain, Retention: warehouse.Retention,
}

func fromMovement(m warehouse.Movement) movement {
	return movement{
		attempts: attempts(m.Attempts), SKU: m.SKU, Delta: m.Delta, Reason: m.Reason, Applied: m.Applied,
		Version: m.Version,
	}
}

func (item movement) domain(id string) warehouse.Movement {
	return warehouse.Movement{
		ID: id, SKU: item.SKU, Delta: item.Delta, Reason: item.Reason, Applied: item.Applied,
		Attempts: warehouse.Attempts(item.attempts), Version: item.Version,
	}
}

type parked struct {
	ID        string    `dynamodbav:"sk"`
	MessageID string    `dynamodbav:"messageId"`
	Type      string    `dynamodbav:"messageType"`
	Body      []byte    `dynamodbav:"body"`
	Reason    string    `dynamodbav:"reason"`
	ParkedAt  time.Time `dynamodbav:"parkedAt"`
	ExpiresAt int64     `dynamodbav:"expiresAt"`
}

func (item parked) domain() warehouse.Parked {
	return warehouse.Parked{
		ID: item.ID, Message: warehouse.Message{ID: item.MessageID, Type: item.Type, Body: item.Body},
		Reason: item.Reason, ParkedAt: item.ParkedAt,
	}
}
