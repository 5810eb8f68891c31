// Package memory is catalog's store in memory.
package memory

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/memdb"
)

// Store implements catalog.Store.
type Store struct {
	*memdb.Store[catalog.Product]
}

// New returns an empty store.
func New(c clock.Clock) *Store {
	return &Store{memdb.NewStore[catalog.Product](c, "product", catalog.ErrNoProduct)}
}

// Products returns a page of products.
func (s *Store) Products(_ context.Context, limit int, cursor string) (page []catalog.Product, next string, err error) {
	last, err := decode(productsPrefix, cursor)
	if err != nil {
		return nil, "", err
	}
	s.View(func() {
		for _, sku := range s.Kind.Keys() {
			if sku <= last {
				continue
			}
			if len(page) == limit {
				next = s.CursorAfter(page[limit-1].SKU)
				return
			}
			page = append(page, s.Kind.Items.Get(sku))
		}
	})
	return page, next, nil
}

// Save writes a product. The index is what the products say.
func (s *Store) Save(_ context.Context, _, after catalog.Product, with commit.With) error {
	return s.Kind.Save(after, with)
}

// Entries returns a page of the index.
func (s *Store) Entries(
	_ context.Context, prefix string, limit int, cursor string,
) (page []catalog.Entry, next string, err error) {
	last, err := decode(entriesPrefix, cursor)
	if err != nil || !strings.HasPrefix(last, prefix) && last != "" {
		return nil, "", fault.ErrCursor
	}
	s.View(func() {
		for sku, p := range s.Kind.All() {
			for word := range strings.FieldsSeq(p.Words) {
				e := catalog.Entry{Word: word, SKU: sku, Words: p.Words}
				if strings.HasPrefix(word, prefix) && key(e) > last {
					page = append(page, e)
				}
			}
		}
	})
	slices.SortFunc(page, func(a, b catalog.Entry) int { return strings.Compare(key(a), key(b)) })
	if len(page) > limit {
		page = page[:limit]
		next = s.CursorAfterEntry(page[limit-1])
	}
	return page, next, nil
}

func key(e catalog.Entry) string { return e.Word + "#" + e.SKU }

// CursorAfterEntry returns the cursor of the page after an entry.
func (s *Store) CursorAfterEntry(e catalog.Entry) string { return encode(entriesPrefix, key(e)) }

// CursorAfter returns the cursor of the page after a SKU.
func (s *Store) CursorAfter(sku string) string { return encode(productsPrefix, sku) }

// These mark the cursors of each list.
const productsPrefix, entriesPrefix = "products#", "words#"

func encode(list, last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + last))
}

func decode(list, cursor string) (last string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	last, ok := strings.CutPrefix(string(b), list)
	if err != nil || !ok || last == "" {
		return "", fault.ErrCursor
	}
	return last, nil
}
