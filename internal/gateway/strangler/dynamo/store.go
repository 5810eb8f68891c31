// Package dynamo keeps the strangler's decisions in the gateway's table. Besides the items of
// package ddb, the table holds:
//
//	pk                     sk            what
//	placement#<customer>   <request_id>  the side of a request to place an order, for 90 days
package dynamo

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/gateway/strangler"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/fault"
)

type decision struct {
	Side      string    `dynamodbav:"side"`
	At        time.Time `dynamodbav:"at"`
	Products  string    `dynamodbav:"products,omitempty"`
	ExpiresAt int64     `dynamodbav:"expiresAt"`
}

// Placements implements strangler.Placements.
type Placements struct{ *ddb.Table }

// Decide records a decision unless there is one.
func (p Placements) Decide(
	ctx context.Context, customer, requestID string, d strangler.Decision,
) (strangler.Decision, error) {
	pk := "placement#" + customer
	err := p.Commit(ctx, commit.With{}, p.SaveNew(pk, requestID, decision{
		Side: string(d.Side), At: d.At, Products: d.Products, ExpiresAt: d.At.Add(strangler.Remembered).Unix(),
	}, fault.ErrLostRace))
	if !errors.Is(err, fault.ErrLostRace) {
		return d, err
	}
	var item decision
	// It may be gone by now, if it had expired. Then the client tries again.
	gone := fault.New(fault.Transient, "Transient", "the request's record has just expired; try again")
	err = p.Get(ctx, pk, requestID, &item, gone)
	return strangler.Decision{Side: strangler.Side(item.Side), At: item.At, Products: item.Products}, err
}
