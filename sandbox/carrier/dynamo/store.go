// Package dynamo is the carrier's store in DynamoDB. Besides package ddb's records of idempotency
// keys, kept for 24 hours, the table holds:
//
//	pk                    sk        what
//	shipment#<reference>  shipment  the entry of a reference
//	callback#<reference>  callback  triggers the callback through the stream; kept for a day
package dynamo

import (
	"context"
	"time"

	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
	"orderflow/sandbox/carrier"
)

// callbackRetention is how long a callback item is kept. Only people read it; the stream gets it at
// once.
const callbackRetention = 24 * time.Hour

type entry struct {
	Reference  string `dynamodbav:"reference"`
	PostalCode string `dynamodbav:"postalCode"`
	Cancelled  bool   `dynamodbav:"cancelled"`
	Answered   bool   `dynamodbav:"answered"`
	Version    int64  `dynamodbav:"version"`

	ID             string    `dynamodbav:"id"` // empty if there is no shipment
	Status         string    `dynamodbav:"status"`
	TrackingNumber string    `dynamodbav:"trackingNumber"`
	Reason         string    `dynamodbav:"reason"`
	CreatedAt      time.Time `dynamodbav:"createdAt"`
}

type callback struct {
	Reference   string `dynamodbav:"reference"`
	TraceParent string `dynamodbav:"traceparent"`
	ExpiresAt   int64  `dynamodbav:"expiresAt"`
}

func fromDomain(e carrier.Entry) entry {
	item := entry{
		Reference: e.Reference, PostalCode: e.PostalCode, Cancelled: e.Cancelled, Answered: e.Answered,
		Version: e.Version,
	}
	if s := e.Shipment; s != nil {
		item.ID, item.Status, item.CreatedAt = s.ID, string(s.Status), s.CreatedAt
		item.TrackingNumber, item.Reason = s.TrackingNumber, s.Reason
	}
	return item
}

func (item entry) domain(reference string) carrier.Entry {
	e := carrier.Entry{
		Reference: reference, PostalCode: item.PostalCode, Cancelled: item.Cancelled, Answered: item.Answered,
		Version: item.Version,
	}
	if item.ID != "" {
		e.Shipment = &carrier.Shipment{
			ID: item.ID, Reference: reference, Status: carrier.Status(item.Status),
			TrackingNumber: item.TrackingNumber, Reason: item.Reason, CreatedAt: item.CreatedAt,
		}
	}
	return e
}

var entryItems = ddb.Versioned[carrier.Entry, entry]{
	Key: ddb.Under("shipment#", "shipment"), Encode: fromDomain, Decode: entry.domain,
}

// Store implements carrier.Store.
type Store struct{ *ddb.Table }

// Entry reads the entry of a reference.
func (s Store) Entry(ctx context.Context, reference string) (carrier.Entry, error) {
	e, err := entryItems.Get(ctx, s.Table, reference)
	e.Reference = reference
	return e, err
}

// Write writes an entry, conditional on its version.
func (s Store) Write(ctx context.Context, e carrier.Entry, due *carrier.Due, with commit.With) error {
	ops := []ddb.Op{entryItems.Next(s.Table, e)}
	if due != nil {
		expires := s.Clock.Now().Add(callbackRetention).Unix()
		item := callback{Reference: due.Reference, TraceParent: due.TraceParent, ExpiresAt: expires}
		ops = append(ops, s.SaveNew("callback#"+due.Reference, "callback", item, fault.ErrLostRace))
	}
	return s.Commit(ctx, with, ops...)
}

// Due returns the due callback of a reference; ok is false if there is none or it has expired. Only
// tests use it: the sandbox reads the table's stream.
func (s Store) Due(ctx context.Context, reference string) (due carrier.Due, ok bool, err error) {
	var item callback
	ok, err = s.Find(ctx, "callback#"+reference, "callback", &item)
	return carrier.Due{Reference: reference, TraceParent: item.TraceParent}, ok, err
}
