// Package memory is the provider's ledger in memory.
package memory

import (
	"cmp"
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
	"orderflow/sandbox/provider"
	"orderflow/sandbox/web"
)

// Store implements provider.Store.
type Store struct {
	*memdb.Log
	entries memdb.Versioned[provider.Entry]
}

// New returns an empty ledger.
func New(c clock.Clock) *Store {
	log := memdb.NewLog(c)
	return &Store{log, memdb.NewVersioned[provider.Entry](log, "charge", nil, nil)}
}

// Entry returns the entry of a reference.
func (s *Store) Entry(_ context.Context, reference string) (e provider.Entry, err error) {
	e, err = s.entries.Get(reference)
	e.Reference = reference
	return e, err
}

// Write writes an entry.
func (s *Store) Write(_ context.Context, e provider.Entry, with commit.With) error {
	return s.Commit(with, func() error {
		if e.Charge != nil { // a copy, since the caller may change its own later
			c := *e.Charge
			e.Charge = &c
		}
		return s.entries.Next(e)
	})
}

const cursorPrefix = "after "

// Charges returns a page of charges.
func (s *Store) Charges(_ context.Context, status provider.Status, limit int, cursor string) (
	[]provider.Charge, string, error,
) {
	last, err := decode(cursor)
	if err != nil {
		return nil, "", err
	}
	charges, next := []provider.Charge{}, ""
	s.View(func() {
		var all []provider.Charge
		for _, e := range s.entries.All() {
			if e.Charge != nil && e.Charge.ID > last {
				all = append(all, *e.Charge)
			}
		}
		slices.SortFunc(all, func(a, b provider.Charge) int { return cmp.Compare(a.ID, b.ID) })
		if len(all) > limit {
			all = all[:limit]
			next = base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + all[limit-1].ID))
		}
		for _, c := range all {
			if status == "" || c.Status == status {
				charges = append(charges, c)
			}
		}
	})
	return charges, next, nil
}

func decode(cursor string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	last, ok := strings.CutPrefix(string(b), cursorPrefix)
	if cursor != "" && (err != nil || !ok) {
		return "", web.ErrCursor
	}
	return last, nil
}
