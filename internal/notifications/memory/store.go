// Package memory has notifications' in-memory store.
package memory

import (
	"context"
	"errors"
	"time"

	"orderflow/internal/notifications"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

// Store implements notifications.Store.
type Store struct {
	*memdb.Log
	clock clock.Clock
	mails *memdb.Items[mail]
}

type mail struct {
	settled error // what Claim returns once the mail is done
	claimID string
	until   time.Time
	at      time.Time // when it was written
}

func (m mail) status() notifications.Status {
	switch {
	case errors.Is(m.settled, notifications.ErrSent):
		return notifications.Sent
	case errors.Is(m.settled, notifications.ErrRefused):
		return notifications.Refused
	}
	return notifications.Sending
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{Log: log, clock: c, mails: memdb.NewItems[mail](log, "mail", nil)}
}

func mailKey(orderID string, kind notifications.Kind) string { return orderID + "#" + string(kind) }

// Claim claims a mail.
func (s *Store) Claim(_ context.Context, c notifications.Claim) error {
	return s.Commit(commit.With{}, func() error {
		key := mailKey(c.OrderID, c.Kind)
		if found, _ := s.mails.Find(key); found.settled != nil {
			return found.settled
		}
		if s.held(key) {
			return notifications.ErrSending
		}
		s.mails.Save(key, mail{claimID: c.ID, until: c.Until, at: s.clock.Now()})
		return nil
	})
}

// Claims returns which kinds were claimed, and until when.
func (s *Store) Claims(
	_ context.Context, orderID string, kinds []notifications.Kind,
) (map[notifications.Kind]time.Time, error) {
	claims := map[notifications.Kind]time.Time{}
	s.View(func() {
		for _, kind := range kinds {
			switch found, ok := s.mails.Find(mailKey(orderID, kind)); {
			case ok && found.settled != nil:
				claims[kind] = time.Time{}
			case ok:
				claims[kind] = found.until
			}
		}
	})
	return claims, nil
}

// Mails returns an order's mails.
func (s *Store) Mails(_ context.Context, orderID string) (records []notifications.Record, _ error) {
	s.View(func() {
		for _, kind := range notifications.Kinds() {
			if m, ok := s.mails.Find(mailKey(orderID, kind)); ok {
				at := m.at.UTC().Truncate(time.Second)
				records = append(records, notifications.Record{Kind: kind, Status: m.status(), At: at})
			}
		}
	})
	return records, nil
}

// held reports whether a mail is in SENDING.
func (s *Store) held(key string) bool {
	found, ok := s.mails.Find(key)
	return ok && found.settled == nil && s.clock.Now().Before(found.until)
}

// MarkSent records that a mail was sent.
func (s *Store) MarkSent(_ context.Context, c notifications.Claim) error {
	return s.settle(c, notifications.ErrSent)
}

// MarkRefused records that a mail can never be delivered.
func (s *Store) MarkRefused(_ context.Context, c notifications.Claim) error {
	return s.settle(c, notifications.ErrRefused)
}

func (s *Store) settle(c notifications.Claim, as error) error {
	return s.Commit(commit.With{}, func() error {
		s.mails.Save(mailKey(c.OrderID, c.Kind), mail{settled: as, at: s.clock.Now()})
		return nil
	})
}

// Release lets the claim expire now.
func (s *Store) Release(_ context.Context, c notifications.Claim) error {
	return s.Commit(commit.With{}, func() error {
		key := mailKey(c.OrderID, c.Kind)
		if found, ok := s.mails.Find(key); ok && found.settled == nil && found.claimID == c.ID {
			s.mails.Save(key, mail{claimID: c.ID, until: s.clock.Now(), at: s.clock.Now()})
		}
		return nil
	})
}
