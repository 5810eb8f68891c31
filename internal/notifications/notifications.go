// Package notifications sends customers e-mails about their orders.
//
// An order gets at most one mail of each kind, even if an event is repeated or a second event has
// the same news. The mail service has no idempotency keys, so a record is written before and after
// the call:
//
//  1. Claim: the record is written as SENDING, with an expiry, if there is none. A concurrent
//     delivery fails transiently and is repeated by the queue.
//  2. Look at the order's other mails. If one forbids this mail, the claim is released.
//  3. Send. If that fails, the claim is released, so that the next delivery sends at once.
//  4. Mark: the record becomes SENT, or REFUSED if the address can never receive mail. Both are
//     final; duplicates do nothing.
//
// A crash between 1 and 4 leaves a claim that expires; then the next delivery sends. If the mail
// service had already accepted the mail, the customer gets it twice. Marking before sending could
// lose a mail; a duplicate is the lesser evil.
//
// No mail contradicts another mail or the API. Only the confirmation promises a delivery: a
// confirmed order can no longer be cancelled. Events arrive in any order, so claims enforce the
// order of mails: nothing is sent after the mail about the order's end. See Kind. Each delivery
// claims before it reads the others, so at least one of two concurrent deliveries sees the other's
// claim.
package notifications

import (
	"context"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

const (
	// Lease is how long a claim holds. It is longer than the function's timeout, so that no two
	// send at once, and shorter than the queue's visibility timeout, so that a crash costs one
	// delivery only.
	Lease = 30 * time.Second
	// Retention is how long the records of mails are kept: as long as an event can be redelivered.
	Retention = 90 * 24 * time.Hour
)

var (
	// ErrSending: another delivery has claimed this mail, or one that must come first. It may still
	// fail.
	ErrSending = fault.New(fault.Transient, "MailBeingSent", "the mail is being sent by another delivery")
	// ErrSent: the mail was already sent.
	ErrSent = fault.New(fault.Conflict, "MailSent", "the mail was already sent")
	// ErrOvertaken: the mail about the order's end was claimed or sent, so this one is obsolete.
	ErrOvertaken = fault.New(fault.Conflict, "MailOvertaken", "the mail about the order's end came first")
	// ErrRefused: the mail service will never accept mail to this address. It is as final as
	// ErrSent.
	ErrRefused = fault.New(fault.Refused, "MailRefused", "the mail cannot be delivered to this address")
	// ErrNotSent: the mail service did not accept the mail, or the outcome is unknown.
	ErrNotSent = fault.New(fault.Transient, "MailNotSent", "the mail was not sent")
	// ErrUnexpected: there is no mail for the event's type.
	ErrUnexpected = fault.New(fault.Invalid, "UnexpectedEvent", "there is no mail for events of this type")
)

// Claim is the right to send an order's mail of a kind.
type Claim struct {
	OrderID string
	Kind    Kind
	// ID distinguishes claims of the same mail.
	ID    string
	Until time.Time
}

// Status is the state of a mail.
type Status string

// The statuses of a mail. A claim that expired stays Sending until somebody claims it again.
const (
	Sending Status = "SENDING"
	Sent    Status = "SENT"
	Refused Status = "REFUSED"
)

// Record is the state of an order's mail of a kind, and when it was written, to the second.
type Record struct {
	Kind   Kind
	Status Status
	At     time.Time
}

// Store keeps which mails were sent.
type Store interface {
	// Claim claims a mail. It fails with ErrSent or ErrRefused if the mail is done, and with
	// ErrSending if another claim holds.
	Claim(ctx context.Context, c Claim) error
	// Claims returns which of these kinds were claimed for an order, read consistently, and until
	// when each claim holds: the zero time if the mail is done.
	Claims(ctx context.Context, orderID string, kinds []Kind) (map[Kind]time.Time, error)
	// Mails returns an order's mails, sorted by kind, read consistently; for operators.
	Mails(ctx context.Context, orderID string) ([]Record, error)
	// MarkSent records that c's mail was sent, even if the claim was lost.
	MarkSent(ctx context.Context, c Claim) error
	// MarkRefused records that c's mail can never be delivered, even if the claim was lost.
	MarkRefused(ctx context.Context, c Claim) error
	// Release gives c up. It does nothing if the mail is done or the claim was lost.
	Release(ctx context.Context, c Claim) error
}

// Mail is a plain-text mail.
type Mail struct {
	To      string
	Subject string
	Text    string
}

// Mailer sends mails. Its errors contain no addresses, since errors are logged.
type Mailer interface {
	// Send sends a mail. It fails with ErrRefused if the address can never receive mail, else with
	// ErrNotSent, also if our configuration makes all mails fail: then the event moves to the
	// dead-letter queue, an alarm fires, and a redrive sends it.
	Send(ctx context.Context, m Mail) error
}

// Service implements notifications' use case.
type Service struct {
	store  Store
	mailer Mailer
	clock  clock.Clock
	ids    ids.Source
}

// New returns the use case on a store and a mailer.
func New(store Store, mailer Mailer, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, mailer: mailer, clock: c, ids: source}
}
