package catalog

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"orderflow/internal/platform/fault"
)

// looked and looks bound a search: the entries of one read of the index, and the reads. If they
// find nothing, the page is empty, and need not be the last one.
const looked, looks = 100, 5

// search returns a page of the listed products whose names have a word that begins with each word
// of l.Name, sorted by the word found for the longest of these, and by SKU.
func (s *Service) search(ctx context.Context, l Listing) ([]Product, string, error) {
	sought := fold(l.Name)
	if len(sought) == 0 {
		return nil, "", nil
	}
	lead := slices.MaxFunc(sought, func(a, b string) int { // begins the fewest words
		return cmp.Compare(utf8.RuneCountInString(a), utf8.RuneCountInString(b))
	})
	next, err := s.start(ctx, l, lead)
	if err != nil {
		return nil, "", err
	}
	var found []Entry
	for range looks {
		var entries []Entry
		if entries, next, err = s.store.Entries(ctx, lead, looked, next); err != nil {
			return nil, "", err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.SKU, l.Prefix) && e.isFound(sought, lead) {
				found = append(found, e)
			}
		}
		if next == "" || len(found) > l.Limit {
			break
		}
	}
	if len(found) > l.Limit {
		found = found[:l.Limit]
		next = s.store.CursorAfterEntry(found[l.Limit-1])
	}
	products, err := s.listed(ctx, found)
	return products, next, err
}

// start returns the cursor with which a search starts.
func (s *Service) start(ctx context.Context, l Listing, lead string) (string, error) {
	if l.Cursor != "" || l.After == "" {
		return l.Cursor, nil
	}
	after, err := s.store.GetMany(ctx, []string{l.After})
	if err != nil {
		return "", err
	}
	if len(after) == 0 || firstWord(after[0].Words, lead) == "" {
		return "", fault.ErrCursor // the search does not find it
	}
	return s.store.CursorAfterEntry(Entry{Word: firstWord(after[0].Words, lead), SKU: l.After}), nil
}

// listed returns the products of entries, without unlisted ones.
func (s *Service) listed(ctx context.Context, entries []Entry) ([]Product, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	skus := make([]string, len(entries))
	for i, e := range entries {
		skus[i] = e.SKU
	}
	products, err := s.store.GetMany(ctx, skus)
	return slices.DeleteFunc(products, func(p Product) bool { return p.Unlisted }), err
}
