// Package memory is the store of notifications in memory.
package memory

import (
	"context"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memory"
)

// Store implements notifications.Store.
type Store struct {
	*memory.Log
	clock    clock.Clock
	contacts *memory.Items[contact]
	mails    *memory.Items[mail]
}

type contact struct {
	notifications.Contact
	expires time.Time
}

type mail struct {
	sent    bool
	claimID string
	until   time.Time
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memory.NewLog(c)
	return &Store{Log: log, clock: c, contacts: memory.NewItems[contact](log, "contact", nil), mails: memory.NewItems[mail](log, "mail", nil)}
}

func mailKey(orderID string, kind notifications.Kind) string { return orderID + "#" + string(kind) }

// Contact returns the contact of an order.
func (s *Store) Contact(_ context.Context, orderID string) (found notifications.Contact, err error) {
	s.View(func() {
		c, ok := s.contacts.Find(orderID)
		if !ok || !s.clock.Now().Before(c.expires) {
			err = notifications.ErrNoContact
			return
		}
		found = c.Contact
	})
	return found, err
}

// KeepContact keeps the contact of an order.
func (s *Store) KeepContact(_ context.Context, c notifications.Contact, with commit.With) error {
	return s.Commit(with, func() error {
		s.contacts.Save(c.OrderID, contact{c, s.clock.Now().Add(notifications.Retention)})
		return nil
	})
}

// Claim takes the right to send a mail.
func (s *Store) Claim(_ context.Context, c notifications.Claim) error {
	return s.Commit(commit.With{}, func() error {
		key := mailKey(c.OrderID, c.Kind)
		found, ok := s.mails.Find(key)
		switch {
		case found.sent:
			return notifications.ErrSent
		case ok && s.clock.Now().Before(found.until):
			return notifications.ErrSending
		}
		s.mails.Save(key, mail{claimID: c.ID, until: c.Until})
		return nil
	})
}

// MarkSent records that a mail was sent.
func (s *Store) MarkSent(_ context.Context, c notifications.Claim) error {
	return s.Commit(commit.With{}, func() error {
		s.mails.Save(mailKey(c.OrderID, c.Kind), mail{sent: true})
		return nil
	})
}

// Release lets the claim expire now.
func (s *Store) Release(_ context.Context, c notifications.Claim) error {
	return s.Commit(commit.With{}, func() error {
		key := mailKey(c.OrderID, c.Kind)
		if found, ok := s.mails.Find(key); ok && !found.sent && found.claimID == c.ID {
			s.mails.Save(key, mail{claimID: c.ID, until: s.clock.Now()})
		}
		return nil
	})
}

// Told reports whether a mail was sent or claimed.
func (s *Store) Told(_ context.Context, orderID string, kind notifications.Kind) (told bool, err error) {
	s.View(func() { _, told = s.mails.Find(mailKey(orderID, kind)) })
	return told, nil
}

// Record writes what comes with a change.
func (s *Store) Record(_ context.Context, with commit.With) error {
	return s.Commit(with, func() error { return nil })
}
