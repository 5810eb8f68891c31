// Package dynamo is the provider's ledger in DynamoDB. Besides package ddb's records of idempotency
// keys, kept for 24 hours, the table holds:
//
//	pk                  sk      index charges            what
//	charge#<reference>  charge  (charges, <charge id>)   the entry of a reference
//
// Entries without a charge are not in the index.
package dynamo

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/web"
)

// Index is the name of the index over all charges.
const Index = "charges"

type entry struct {
	Reference string `dynamodbav:"reference"`
	Voided    bool   `dynamodbav:"voided"`
	Faults    int    `dynamodbav:"faults"`
	Version   int64  `dynamodbav:"version"`

	IndexPK   string    `dynamodbav:"chargesPk,omitempty"`
	IndexSK   string    `dynamodbav:"chargesSk,omitempty"` // the charge's id; empty if there is no charge
	Status    string    `dynamodbav:"status,omitempty"`
	Currency  string    `dynamodbav:"currency,omitempty"`
	Amount    int64     `dynamodbav:"amount"`
	CreatedAt time.Time `dynamodbav:"createdAt"`

	Disputed bool   `dynamodbav:"disputed,omitempty"`
	Dispute  string `dynamodbav:"dispute,omitempty"`
	Refunded int64  `dynamodbav:"refunded,omitempty"`

	AskedID string `dynamodbav:"askedId,omitempty"` // of the charge that waits for the customer
	Failed  bool   `dynamodbav:"failed,omitempty"`

	VoidFaults int `dynamodbav:"voidFaults,omitempty"`
}

func fromDomain(e provider.Entry) entry {
	item := entry{
		Reference: e.Reference, Voided: e.Voided, Faults: e.Faults, Version: e.Version, Disputed: e.Disputed,
		Failed: e.Failed, VoidFaults: e.VoidFaults,
	}
	if c := e.Asked; c != nil {
		item.AskedID = c.ID
		item.Currency, item.Amount, item.CreatedAt = c.Amount.Currency, c.Amount.Amount, c.CreatedAt
	}
	if c := e.Charge; c != nil {
		item.IndexPK, item.IndexSK = Index, c.ID
		item.Status, item.CreatedAt = string(c.Status), c.CreatedAt
		item.Currency, item.Amount = c.Amount.Currency, c.Amount.Amount
		item.Dispute, item.Refunded = c.Dispute, c.RefundedAmount.Amount
	}
	return item
}

func (item entry) domain() provider.Entry {
	e := provider.Entry{
		Reference: item.Reference, Voided: item.Voided, Faults: item.Faults, Version: item.Version,
		Disputed: item.Disputed, Failed: item.Failed, VoidFaults: item.VoidFaults,
	}
	if item.AskedID != "" {
		e.Asked = &provider.Charge{
			ID: item.AskedID, Reference: item.Reference, Status: provider.StatusActionRequired,
			Amount: money.Money{Currency: item.Currency, Amount: item.Amount}, CreatedAt: item.CreatedAt,
		}
	}
	if item.IndexSK != "" {
		c := provider.Charge{
			ID: item.IndexSK, Reference: item.Reference, CreatedAt: item.CreatedAt,
			Amount:  money.Money{Currency: item.Currency, Amount: item.Amount},
			Dispute: item.Dispute,
		}
		if item.Refunded > 0 {
			c.RefundedAmount = money.Money{Currency: item.Currency, Amount: item.Refunded}
		}
		c = c.In(provider.Status(item.Status))
		e.Charge = &c
	}
	return e
}

var entryItems = ddb.Versioned[provider.Entry, entry]{
	Key: ddb.Under("charge#", "charge"), Encode: fromDomain,
	Decode: func(item entry, _ string) provider.Entry { return item.domain() },
}

// Store implements provider.Store.
type Store struct{ *ddb.Table }

// Entry reads the entry of a reference.
func (s Store) Entry(ctx context.Context, reference string) (provider.Entry, error) {
	e, err := entryItems.Get(ctx, s.Table, reference)
	e.Reference = reference
	return e, err
}

// Write writes an entry, conditional on its version.
func (s Store) Write(ctx context.Context, e provider.Entry, with commit.With) error {
	return entryItems.Save(ctx, s.Table, e, with)
}

// Charges reads a page of the index, then filters it by status.
func (s Store) Charges(ctx context.Context, status provider.Status, limit int, cursor string) (
	[]provider.Charge, string, error,
) {
	items, next, err := s.Page(ctx, Index, Index+"Pk", Index, false, limit, cursor)
	if errors.Is(err, fault.ErrCursor) {
		return nil, "", web.ErrCursor
	}
	entries, err := ddb.DecodeAll[entry](items, err)
	if err != nil {
		return nil, "", err
	}
	charges := []provider.Charge{}
	for _, item := range entries {
		if c := item.domain().Charge; c != nil && (status == "" || c.Status == status) {
			charges = append(charges, *c)
		}
	}
	return charges, next, nil
}
