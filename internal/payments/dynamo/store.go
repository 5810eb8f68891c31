// Package dynamo is payments' store in DynamoDB. Besides what package ddb keeps, the table holds:
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
type Store struct {
	ddb.Store[payments.Payment, payment]
}

// Open returns the store in a table.
func Open(t *ddb.Table) Store {
	return Store{ddb.Store[payments.Payment, payment]{Table: t.Hosting(paymentItems.Key), Kind: paymentItems}}
}

var paymentItems = ddb.Versioned[payments.Payment, payment]{
	Key: ddb.Under("order#", "payment"), Missing: payments.ErrNoPayment, Encode: fromDomain, Decode: payment.domain,
}

type payment struct {
	ddb.Stamp
	ddb.Money
	action
	CustomerID  string `dynamodbav:"customerId"`
	Status      string `dynamodbav:"status"`
	ChargeID    string `dynamodbav:"chargeId,omitempty"`
	DeclineCode string `dynamodbav:"declineCode,omitempty"`
	Dispute     string `dynamodbav:"dispute,omitempty"`
	Refunded    int64  `dynamodbav:"refunded,omitempty"`
}

type action struct {
	URL         string `dynamodbav:"actionUrl,omitempty"`
	Until       int64  `dynamodbav:"actionUntil,omitempty"` // in seconds since 1970
	Ended       bool   `dynamodbav:"actionEnded,omitempty"`
	ResumeToken string `dynamodbav:"resumeToken,omitempty"`
}

func fromDomain(p payments.Payment) payment {
	item := payment{
		Stamp: ddb.Stamp{Version: p.Version, UpdatedAt: p.UpdatedAt}, Money: ddb.Money(p.Amount),
		action:     action{URL: p.Action.URL, Ended: p.Action.Ended, ResumeToken: p.Action.ResumeToken},
		CustomerID: p.CustomerID, Status: string(p.Status), ChargeID: p.ChargeID, DeclineCode: p.DeclineCode,
		Dispute: string(p.Dispute), Refunded: p.Refunded,
	}
	if !p.Action.Until.IsZero() {
		item.Until = p.Action.Until.Unix()
	}
	return item
}

func (item payment) domain(orderID string) payments.Payment {
	p := payments.Payment{
		OrderID: orderID, CustomerID: item.CustomerID, Status: payments.Status(item.Status),
		Amount: money.Money(item.Money), ChargeID: item.ChargeID, DeclineCode: item.DeclineCode,
		Dispute: payments.Dispute(item.Dispute), Refunded: item.Refunded,
		Action:  payments.Action{URL: item.URL, Ended: item.Ended, ResumeToken: item.ResumeToken},
		Version: item.Version, UpdatedAt: item.UpdatedAt,
	}
	if item.Until > 0 {
		p.Action.Until = time.Unix(item.Until, 0).UTC()
	}
	return p
}

type outcome struct {
	Status  string `dynamodbav:"status"`
	Version int64  `dynamodbav:"version"`
}

var outcomeItems = ddb.Versioned[payments.Outcome, outcome]{
	Key:    ddb.Under("order#", "outcome"),
	Encode: func(o payments.Outcome) outcome { return outcome{Status: string(o.Status), Version: o.Version} },
	Decode: func(item outcome, orderID string) payments.Outcome {
		return payments.Outcome{OrderID: orderID, Status: payments.OrderStatus(item.Status), Version: item.Version}
	},
}

// Outcome reads how an order ended.
func (s Store) Outcome(ctx context.Context, orderID string) (payments.Outcome, error) {
	return outcomeItems.Get(ctx, s.Table, orderID)
}

// SaveOutcome writes how an order ended if the stored version is before.
func (s Store) SaveOutcome(ctx context.Context, o payments.Outcome, before int64, with commit.With) error {
	return outcomeItems.SaveOver(ctx, s.Table, o, before, with)
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
