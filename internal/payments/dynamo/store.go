// Package dynamo is payments' store in DynamoDB. Besides what package platform/dynamo keeps, the table holds:
//
//	pk               sk        what
//	order#<orderId>  payment   an order's payment
//	order#<orderId>  outcome   how the order ended
//	reconciliation   bookmark  how far the provider's ledger was compared
package dynamo

import (
	"context"
	"time"

	"orderflow/internal/payments"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/money"
)

// Store implements payments.Store.
type Store struct{ *ddb.Table }

// New returns the store in a table.
func New(t *ddb.Table) Store { return Store{t} }

type payment struct {
	CustomerID  string    `dynamodbav:"customerId"`
	Status      string    `dynamodbav:"status"`
	Currency    string    `dynamodbav:"currency"`
	Amount      int64     `dynamodbav:"amount"`
	ChargeID    string    `dynamodbav:"chargeId,omitempty"`
	DeclineCode string    `dynamodbav:"declineCode,omitempty"`
	Dispute     string    `dynamodbav:"dispute,omitempty"`
	Refunded    int64     `dynamodbav:"refunded,omitempty"`
	Version     int64     `dynamodbav:"version"`
	UpdatedAt   time.Time `dynamodbav:"updatedAt"`
}

// Payment reads an order's payment.
func (s Store) Payment(ctx context.Context, orderID string) (payments.Payment, error) {
	var item payment
	if err := s.Get(ctx, "order#"+orderID, "payment", &item, payments.ErrNoPayment); err != nil {
		return payments.Payment{}, err
	}
	return payments.Payment{
		OrderID: orderID, CustomerID: item.CustomerID, Status: payments.Status(item.Status),
		Amount:   money.Money{Currency: item.Currency, Amount: item.Amount},
		ChargeID: item.ChargeID, Dispute: payments.Dispute(item.Dispute), Refunded: item.Refunded, DeclineCode: item.DeclineCode, Version: item.Version, UpdatedAt: item.UpdatedAt,
	}, nil
}

// Save writes a payment's next version.
func (s Store) Save(ctx context.Context, p payments.Payment, with commit.With) error {
	return s.Commit(ctx, with, s.SaveVersion("order#"+p.OrderID, "payment", payment{
		CustomerID: p.CustomerID, Status: string(p.Status), Currency: p.Amount.Currency, Amount: p.Amount.Amount,
		ChargeID: p.ChargeID, Dispute: string(p.Dispute), Refunded: p.Refunded, DeclineCode: p.DeclineCode, Version: p.Version, UpdatedAt: p.UpdatedAt,
	}, p.Version-1))
}

type outcome struct {
	Status  string `dynamodbav:"status"`
	Version int64  `dynamodbav:"version"`
}

// Outcome reads how an order ended.
func (s Store) Outcome(ctx context.Context, orderID string) (payments.Outcome, error) {
	var item outcome
	if ok, err := s.Find(ctx, "order#"+orderID, "outcome", &item); err != nil || !ok {
		return payments.Outcome{}, err
	}
	return payments.Outcome{OrderID: orderID, Status: payments.OrderStatus(item.Status), Version: item.Version}, nil
}

// SaveOutcome writes how an order ended, on condition that the version before is stored.
func (s Store) SaveOutcome(ctx context.Context, o payments.Outcome, before int64, with commit.With) error {
	return s.Commit(ctx, with, s.SaveVersion("order#"+o.OrderID, "outcome", outcome{Status: string(o.Status), Version: o.Version}, before))
}

type bookmark struct {
	Cursor string `dynamodbav:"cursor"`
}

// Bookmark reads the bookmark.
func (s Store) Bookmark(ctx context.Context) (string, error) {
	var item bookmark
	_, err := s.Find(ctx, "reconciliation", "bookmark", &item)
	return item.Cursor, err
}

// SaveBookmark writes the bookmark.
func (s Store) SaveBookmark(ctx context.Context, cursor string) error {
	return s.Commit(ctx, commit.With{}, s.Table.Save("reconciliation", "bookmark", bookmark{Cursor: cursor}))
}

// Record writes what comes with a change.
func (s Store) Record(ctx context.Context, with commit.With) error { return s.Commit(ctx, with) }
