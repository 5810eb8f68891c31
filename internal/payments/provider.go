package payments

import (
	"context"
	"net/url"
	"time"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
)

// Provider is the payment provider. A reference is our order id; the provider has at most one
// charge per reference. Each call that changes something carries an idempotency key: repeating it
// has no second effect.
//
// Any call may fail with a Transient fault. It may have taken effect, or may still: a request can
// arrive long after the caller gave up. Void deals with that.
type Provider interface {
	// Authorize holds an amount. It fails with *Declined if the provider declines for good, with
	// ErrReferenceVoided if the reference was voided before, and with *ActionRequired if the
	// customer must act first. Then nothing is held. Repeating the call returns the outcome.
	Authorize(ctx context.Context, a Authorization) (Charge, error)

	// Capture captures the reference's charge; the subject must have the charge's id. It fails with
	// ErrNoCharge if there is no charge, and with ErrReferenceVoided if it was voided before.
	Capture(ctx context.Context, s Subject) (Charge, error)

	// Void makes sure that the reference never holds money again. It voids an authorized charge,
	// refunds a captured one, and in any case leaves a tombstone that refuses every later
	// authorization or capture. After Void, the outcome of an unanswered authorization no longer
	// matters.
	//
	// Of a partly refunded charge it refunds only the rest.
	//
	// It returns the resulting charge (ChargeVoided or ChargeRefunded), also when it is called
	// again; found is false if there never was a charge. A declined authorization is not a charge.
	Void(ctx context.Context, s Subject) (charge Charge, found bool, err error)

	// Find returns the charge as it is now, with its dispute, by the charge's id, or by the
	// reference if the subject has no id. found is false if there is none. A search by reference
	// may miss a charge younger than a minute. An authorization that waits for the customer is
	// found as ChargeActionRequired.
	Find(ctx context.Context, s Subject) (charge Charge, found bool, err error)

	// Ledger returns a page of charges of any status, and the cursor of the next page, "" after the
	// last. Reading from "" to "" returns every charge of the last month at least once, except
	// those made meanwhile. A page may be empty. Disputes are not included.
	Ledger(ctx context.Context, cursor string) (page []LedgerEntry, next string, err error)
}

// Subject identifies the charge of a call: the input of Authorize, and its result if that is known.
type Subject struct {
	Reference string
	// ChargeID is the id that Authorize returned; empty if unknown.
	ChargeID string
	// Amount is the amount passed to Authorize. A provider may need it to leave a tombstone.
	Amount money.Money
	// IdempotencyKey is not used by Find.
	IdempotencyKey string
}

// LedgerEntry is a charge in the provider's ledger.
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

// ChargeStatus is the state of a charge at the provider.
type ChargeStatus string

// A charge is authorized, then captured or voided. A captured charge can be refunded.
const (
	ChargeAuthorized ChargeStatus = "AUTHORIZED"
	ChargeCaptured   ChargeStatus = "CAPTURED"
	ChargeVoided     ChargeStatus = "VOIDED"
	ChargeRefunded   ChargeStatus = "REFUNDED"
	// ChargeActionRequired is no charge yet: the customer has to act. Only Find returns it.
	ChargeActionRequired ChargeStatus = "ACTION_REQUIRED"
)

// Charge is the provider's charge for a reference.
type Charge struct {
	ID        string
	Reference string
	Status    ChargeStatus
	Amount    money.Money
	// Refunded is the refunded part of the amount, in minor units, by us or on the provider's site.
	// A full refund sets the status ChargeRefunded; a partial one leaves ChargeCaptured.
	Refunded int64
	// Dispute is set by Find only.
	Dispute Dispute
}

// Live reports whether the charge is authorized or captured.
func (c Charge) Live() bool { return c.Status == ChargeAuthorized || c.Status == ChargeCaptured }

// Undone reports whether the charge was voided or refunded, which is final. Any other state may be
// an earlier one, in an answer that is late.
func (c Charge) Undone() bool { return c.Status == ChargeVoided || c.Status == ChargeRefunded }

// Declined is the provider's final refusal of an authorization.
type Declined struct {
	// Code is the reason, such as card_declined.
	Code string
}

func (d *Declined) Error() string { return "the provider declined: " + d.Code }

// ActionRequired says that the provider holds the amount as soon as the customer has acted, such as
// by authenticating at their bank.
type ActionRequired struct {
	// URL is the page on which the customer acts; IsPage holds.
	URL string
}

// maxURL is the maximum length of an address to which a customer can be sent.
const maxURL = 2048

// IsPage reports whether a customer can be sent to an address.
func IsPage(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(address) <= maxURL
}

func (a *ActionRequired) Error() string { return "the customer must act first" }

var (
	// ErrReferenceVoided: the reference was voided, so it can no longer be charged.
	ErrReferenceVoided = fault.New(fault.Conflict, "ReferenceVoided", "the provider has voided the reference")
	// ErrNoCharge: there is no charge for the reference.
	ErrNoCharge = fault.New(fault.Conflict, "NoCharge", "the provider has no charge for the reference")
)
