// Package notifications writes to customers how their orders go.
//
// An order has at most one mail of each kind, whatever comes twice: the same event, or the same news in a
// new event. The mail service knows no idempotency key, so the mail's record stands on both sides of the call:
//
//  1. Claim: the record is written as SENDING, on condition that there is none, with an expiry. Whoever comes
//     second meanwhile fails transiently, and its queue delivers the event again later.
//  2. Send. Where that fails the claim is given up, so that the next delivery sends at once.
//  3. Mark: the record becomes SENT, for good. Duplicates find it and do nothing.
//
// A crash between 1 and 3 leaves a claim that expires; the next delivery sends then. If the crash came after the
// mail service had taken the mail, or its answer was lost, the customer reads it twice. The other way round, to mark
// first, a mail could be lost. Of the two, the second mail about an order is the lesser evil.
//
// Events of shipping have no address. It is kept from the order's first event; news that overtake it wait.
package notifications

import (
	"context"
	"time"

	"orderflow/internal/platform/barrier"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
)

const (
	// Lease is how long a claim holds. It is longer than the function can run, or two could send at once; and
	// shorter than the queue waits before it delivers again, or a crash would cost more deliveries than one.
	Lease = 30 * time.Second
	// Retention is how long contacts and the records of mails are kept: as long as an event could come again.
	Retention = 90 * 24 * time.Hour
)

var (
	// ErrNoContact means that the order's first event has not come yet, so nobody knows where to write.
	ErrNoContact = fault.New(fault.Transient, "ContactUnknown", "the order's contact is not known yet")
	// ErrSending means that the mail is claimed by another delivery, which may fail.
	ErrSending = fault.New(fault.Transient, "MailBeingSent", "the mail is being sent by another delivery")
	// ErrSent means that the mail was sent.
	ErrSent = fault.New(fault.Conflict, "MailSent", "the mail was sent before")
	// ErrNotSent means that the mail service did not take the mail, or it is not known whether it did.
	ErrNotSent = fault.New(fault.Transient, "MailNotSent", "the mail was not sent")
	// ErrUnexpected refuses an event of a type that customers hear nothing of.
	ErrUnexpected = fault.New(fault.Invalid, "UnexpectedEvent", "events of this type are not for notifications")
)

// Contact is where to write about an order. Email is empty where the customer has none.
type Contact struct {
	OrderID string
	Email   string
}

// Claim is the right to send the mail of a kind about an order.
type Claim struct {
	OrderID string
	Kind    Kind
	// ID tells claims of the same mail apart.
	ID    string
	Until time.Time
}

// Store keeps contacts, and which mails were sent.
type Store interface {
	barrier.Log
	// Contact returns the contact of an order, or ErrNoContact, also after Retention.
	Contact(ctx context.Context, orderID string) (Contact, error)
	// KeepContact writes the contact of an order.
	KeepContact(ctx context.Context, c Contact, with commit.With) error
	// Claim takes the right to send a mail, or fails with ErrSent, or with ErrSending where another claim holds.
	Claim(ctx context.Context, c Claim) error
	// MarkSent records that the mail of c was sent, whoever has claimed it meanwhile.
	MarkSent(ctx context.Context, c Claim) error
	// Release gives c up. It does nothing where the mail was sent or another claim has come after c.
	Release(ctx context.Context, c Claim) error
	// Told reports whether the mail of a kind about an order was sent or claimed.
	Told(ctx context.Context, orderID string, kind Kind) (bool, error)
}

// Mail is a mail in plain text.
type Mail struct {
	To      string
	Subject string
	Text    string
}

// Mailer sends mails. Its errors hold no address, since errors are logged.
type Mailer interface {
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
