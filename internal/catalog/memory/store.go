// Package memory is catalog's store in memory.
package memory

import (
	"context"
	"encoding/base64"
	"strings"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/clock"
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
	last, err := decodeCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	s.View(func() {
		for _, sku := range s.Kind.Keys() {
			if sku <= last {
				continue
			}
			if len(page) == limit {
				next = encodeCursor(page[limit-1].SKU)
				return
			}
			page = append(page, s.Kind.Items.Get(sku))
		}
	})
	return page, next, nil
}

// cursorPrefix marks the cursors of this list.
const cursorPrefix = "products#"

func encodeCursor(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(cursorPrefix + last))
}

func decodeCursor(cursor string) (last string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	last, ok := strings.CutPrefix(string(b), cursorPrefix)
	if err != nil || !ok || last == "" {
		return "", fault.ErrCursor
	}
	return last, nil
}

// CursorAfter returns the cursor of the page after a SKU.
func (s *Store) CursorAfter(sku string) string { return encodeCursor(sku) }
