// Package dynamo is warehouse's store in DynamoDB. Besides the items of package ddb, the table
// holds, each for 90 days after its last change:
//
//	pk                    sk        what
//	order#<orderId>       order     what is known of an order
//	movement#<messageId>  movement  a stock movement that the warehouse reported
//	parked                <id>      a message that could not be handled
package dynamo

import (
	"context"
	"errors"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/warehouse"
)

// Store implements warehouse.Store.
type Store struct{ *ddb.Table }

// Order reads an order.
func (s Store) Order(ctx context.Context, orderID string) (warehouse.Order, error) {
	return orderItems.Get(ctx, s.Table, orderID)
}

// SaveOrder writes an order's next version.
func (s Store) SaveOrder(ctx context.Context, o warehouse.Order, with commit.With) error {
	return orderItems.Save(ctx, s.Table, o, with)
}

// Movement reads a movement.
func (s Store) Movement(ctx context.Context, messageID string) (warehouse.Movement, error) {
	return movementItems.Get(ctx, s.Table, messageID)
}

// SaveMovement writes a movement's next version.
func (s Store) SaveMovement(ctx context.Context, m warehouse.Movement, with commit.With) error {
	return movementItems.Save(ctx, s.Table, m, with)
}

const parkedKey = "parked"

// Parked reads the parked messages. The read is eventually consistent.
func (s Store) Parked(ctx context.Context) (found []warehouse.Parked, err error) {
	for cursor := ""; ; {
		var values []ddb.Values
		values, cursor, err = s.Page(ctx, "", "pk", parkedKey, false, maxPage, cursor)
		page, err := ddb.DecodeAll[parked](values, err)
		if err != nil {
			return nil, err
		}
		for _, item := range page {
			found = append(found, item.domain())
		}
		if cursor == "" {
			return found, nil
		}
	}
}

const maxPage = 100

var errParked = errors.New("the message is parked already")

// Park writes a message, unless it is parked already.
func (s Store) Park(ctx context.Context, p warehouse.Parked) error {
	item := parked{
		MessageID: p.Message.ID, Type: p.Message.Type, Body: p.Message.Body, Reason: p.Reason, ParkedAt: p.ParkedAt,
		ExpiresAt: s.Clock.Now().Add(warehouse.Retention).Unix(),
	}
	err := s.Commit(ctx, commit.With{}, s.SaveNew(parkedKey, p.ID, item, errParked))
	if errors.Is(err, errParked) {
		return nil
	}
	return err
}
