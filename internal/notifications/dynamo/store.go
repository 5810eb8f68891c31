// Package dynamo is the store of notifications in DynamoDB. Beside what package
// platform/dynamo keeps, the table holds:
//
//	pk               sk           what
//	order#<orderId>  contact      where to write about an order
//	order#<orderId>  mail#<kind>  whether the mail is SENDING or SENT
package dynamo

import (
	"context"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/dynamo"
)

// Store implements notifications.Store.
type Store struct{ *dynamo.Table }

// New returns the store in a table.
func New(t *dynamo.Table) Store { return Store{t} }

type contact struct {
	Email     string `dynamodbav:"email"`
	ExpiresAt int64  `dynamodbav:"expiresAt"`
}

// Contact reads the contact of an order. DynamoDB deletes expired items late, so expiry is looked at here as well.
func (s Store) Contact(ctx context.Context, orderID string) (notifications.Contact, error) {
	var item contact
	err := s.Get(ctx, "order#"+orderID, "contact", &item, notifications.ErrNoContact)
	if err == nil && item.ExpiresAt <= s.Clock.Now().Unix() {
		err = notifications.ErrNoContact
	}
	if err != nil {
		return notifications.Contact{}, err
	}
	return notifications.Contact{OrderID: orderID, Email: item.Email}, nil
}

// KeepContact writes the contact of an order.
func (s Store) KeepContact(ctx context.Context, c notifications.Contact, with commit.With) error {
	return s.Commit(ctx, with, s.Save("order#"+c.OrderID, "contact", contact{Email: c.Email, ExpiresAt: s.expiry()}))
}

// Record writes what comes with a change.
func (s Store) Record(ctx context.Context, with commit.With) error { return s.Commit(ctx, with) }

// expiry is when what is written now may go.
func (s Store) expiry() int64 { return s.Clock.Now().Add(notifications.Retention).Unix() }
