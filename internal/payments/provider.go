package payments

import (
	"context"
	"time"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Provider is the payment provider. A reference is ours, the order's id, and the provider knows at most one charge under it.
// Each call that changes something carries an idempotency key: calling again with it has no second effect.
//
// Any call may fail with a Transient fault, which says nothing about whether it took effect, or will yet: a request
// may arrive long after we gave up waiting for its answer. Void is made for that.
type Provider interface {
	// Authorize holds an amount. It fails with *Declined if the provider says no for good, and with
	// ErrReferenceVoided if Void was called for the reference before.
	Authorize(ctx context.Context, a Authorization) (Charge, error)

	// Capture takes the amount that is held under the reference; the subject must have the charge's id. It fails with
	// ErrNoCharge if there is none, and with ErrReferenceVoided if Void was called before.
	Capture(ctx context.Context, s Subject) (Charge, error)

	// Void makes sure that nothing is held or taken under the reference, now and for ever. A charge that is held is let go,
	// one that was taken is given back, and whether there is one or none, a tombstone stays behind: an
	// authorization or capture that arrives later is refused. So once Void has answered, it does not matter
	// any more what became of an authorization that nobody heard the end of.
	//
	// What somebody has given back of a charge already is not given back again: only the rest is.
	//
	// It returns the charge as it is afterwards (ChargeVoided or ChargeRefunded), also when it is called
	// again; found is false if there never was a charge. A declined authorization is no charge.
	Void(ctx context.Context, s Subject) (charge Charge, found bool, err error)

	// Find returns the charge as it is now, with its dispute, by the charge's id, or by the reference where the subject has
	// no id. found is false where there is none, and may be so for a minute after a charge that is looked for by reference.
	Find(ctx context.Context, s Subject) (charge Charge, found bool, err error)

	// Ledger returns a page of the charges, whatever became of them, and the cursor of the next page, which is "" after
	// the last. Reading from "" to "" shows every charge of the last month at least once, but for those made
	// meanwhile. A page may be empty. Disputes are not shown.
	Ledger(ctx context.Context, cursor string) (page []LedgerEntry, next string, err error)
}

// Subject says which money a call is about: what Authorize was told, and what it answered as far as anybody heard.
type Subject struct {
	Reference string
	// ChargeID is the id that Authorize answered with; empty where that is not known.
	ChargeID string
	// Amount is what Authorize was told. A provider may need it to lay a tombstone.
	Amount money.Money
	// IdempotencyKey is not needed by Find.
	IdempotencyKey string
}

// LedgerEntry is a charge as the provider's books have it.
type LedgerEntry struct {
	Charge
	CreatedAt time.Time
}

// Authorization asks for an amount to be held.
type Authorization struct {
	Reference      string
	IdempotencyKey string
	Amount         money.Money
	PaymentMethod  string
}

// ChargeStatus is where a charge stands at the provider.
type ChargeStatus string

// A charge is held first, and then taken or let go; what was taken can be given back.
const (
	ChargeAuthorized ChargeStatus = "AUTHORIZED"
	ChargeCaptured   ChargeStatus = "CAPTURED"
	ChargeVoided     ChargeStatus = "VOIDED"
	ChargeRefunded   ChargeStatus = "REFUNDED"
)

// Charge is what the provider has under a reference.
type Charge struct {
	ID        string
	Reference string
	Status    ChargeStatus
	Amount    money.Money
	// Refunded is how much of the amount was given back, in its minor units, whoever did it: us, or somebody at the provider
	// itself. All of it has the status ChargeRefunded, a part leaves it ChargeCaptured.
	Refunded int64
	// Dispute is told by Find only.
	Dispute Dispute
}

// Live reports whether the charge holds or has taken money.
func (c Charge) Live() bool { return c.Status == ChargeAuthorized || c.Status == ChargeCaptured }

// Declined is the provider's final no to an authorization.
type Declined struct {
	// Code is why, such as card_declined.
	Code string
}

func (d *Declined) Error() string { return "the provider declined: " + d.Code }

var (
	// ErrReferenceVoided: the reference was voided, so nothing can be held or taken under it any more.
	ErrReferenceVoided = fault.New(fault.Conflict, "ReferenceVoided", "the provider has voided the reference")
	// ErrNoCharge: there is no charge under the reference.
	ErrNoCharge = fault.New(fault.Conflict, "NoCharge", "the provider has no charge under the reference")
)
