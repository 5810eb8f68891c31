// Package notifications writes to customers how their orders go.
//
// An order has at most one mail of each kind, whatever comes twice: the same event, or the same news in a
// new event. The mail service knows no idempotency key, so the mail's record stands on both sides of the call:
//
//  1. Claim: the record is written as SENDING, on condition that there is none, with an expiry. Whoever comes
//     second meanwhile fails transiently, and its queue delivers the event again later.
//  2. Send. Where that fails the claim is given up, so that the next delivery sends at once.
//  3. Mark: the record becomes SENT, for good, or REFUSED where the address can never be written to. Duplicates
//     find it and do nothing.
//
// A crash between 1 and 3 leaves a claim that expires; the next delivery sends then. If the crash came after the
// mail service had taken the mail, or its answer was lost, the customer reads it twice. The other way round, to mark
// first, a mail could be lost. Of the two, the second mail about an order is the lesser evil.
//
// No mail contradicts another or what the API has answered. A delivery is promised by the mail that the order is
// confirmed, and by no other: such an order can no longer be cancelled. Events come in any order, so the claims keep
// that of the mails: nothing is said of an order after its end was told. See Kind.
package notifications

import (
	"context"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

const (
	// Lease is how long a claim holds. It is longer than the function can run, or two could send at once; and
	// shorter than the queue waits before it delivers again, or a crash would cost more deliveries than one.
	Lease = 30 * time.Second
	// Retention is how long the records of mails are kept: as long as an event could come again.
	Retention = 90 * 24 * time.Hour
)

var (
	// ErrSending means that the mail is claimed by another delivery, which may fail.
	ErrSending = fault.New(fault.Transient, "MailBeingSent", "the mail is being sent by another delivery")
	// ErrSent means that the mail was sent.
	ErrSent = fault.New(fault.Conflict, "MailSent", "the mail was sent before")
	// ErrOvertaken means that the end of the order was told before, so there is nothing left to say.
	ErrOvertaken = fault.New(fault.Conflict, "MailOvertaken", "the customer was told how the order ended")
	// ErrRefused means that the mail service will never take a mail to this address. It is as final as ErrSent.
	ErrRefused = fault.New(fault.Refused, "MailRefused", "the mail cannot be delivered to this address")
	// ErrNotSent means that the mail service did not take the mail, or it is not known whether it did.
	ErrNotSent = fault.New(fault.Transient, "MailNotSent", "the mail was not sent")
	// ErrUnexpected refuses an event of a type that customers hear nothing of.
	ErrUnexpected = fault.New(fault.Invalid, "UnexpectedEvent", "events of this type are not for notifications")
)

// Claim is the right to send the mail of a kind about an order.
type Claim struct {
	OrderID string
	Kind    Kind
	// ID tells claims of the same mail apart.
	ID    string
	Until time.Time
}

// Store keeps which mails were sent.
type Store interface {
	// Claim takes the right to send a mail. It fails with ErrSent or ErrRefused where that is done, with ErrSending where
	// another claim holds, of this mail or of one that must be settled first, and with ErrOvertaken where a mail that
	// ends what there is to say was claimed before.
	Claim(ctx context.Context, c Claim) error
	// MarkSent records that the mail of c was sent, whoever has claimed it meanwhile.
	MarkSent(ctx context.Context, c Claim) error
	// MarkRefused records that the mail of c can never be delivered, whoever has claimed it meanwhile.
	MarkRefused(ctx context.Context, c Claim) error
	// Release gives c up. It does nothing where the mail was sent or refused, or another claim has come after c.
	Release(ctx context.Context, c Claim) error
}

// Mail is a mail in plain text.
type Mail struct {
	To      string
	Subject string
	Text    string
}

// Mailer sends mails. Its errors hold no address, since errors are logged.
type Mailer interface {
	// Send sends a mail. It fails with ErrRefused where the address can never be written to, else with ErrNotSent, also
	// where the fault is ours for all mails: then the queue parks the event, an alarm tells, and a redrive sends it.
	Send(ctx context.Context, m Mail) error
}

// Service is the use case of notifications.
type Service struct {
	store  Store
	mailer Mailer
	clock  clock.Clock
	ids    ids.Source
}

// New returns the use case over a store and a mailer.
func New(store Store, mailer Mailer, c clock.Clock, source ids.Source) *Service {
	return &Service{store: store, mailer: mailer, clock: c, ids: source}
}
