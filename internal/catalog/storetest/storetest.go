// Package storetest is the suite that every catalog store passes.
package storetest

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is the suite that every catalog store must pass.
var Suite = storesuite.Suite[catalog.Store]{
	Aggregates: []storesuite.Aggregates[catalog.Store]{products},
	Cases: []func(*testing.T, catalog.Store){
		pagesListEveryProductOnceInOrder, emptyListHasNoNextPage, foreignCursorIsRefused,
		pageAfterASKUStartsWithTheNext,
	},
}

var products = storesuite.Aggregate[catalog.Store, catalog.Product]{
	Get: catalog.Store.Get, GetMany: catalog.Store.GetMany, Save: catalog.Store.Save,
	Missing: catalog.ErrNoProduct, New: product,
	Versions: []catalog.Product{
		product("mug", 1),
		{
			SKU: "mug", Name: "Große Tasse", Price: money.Money{Currency: "USD"}, Version: 2,
			Text: "Für Tee.", ImageURL: "https://shop.example/mug.jpg", Category: "Tassen", Unlisted: true,
			UpdatedAt: storesuite.Start.Add(time.Hour),
		},
	},
}

func pagesListEveryProductOnceInOrder(t *testing.T, s catalog.Store) {
	want := []string{"A", "A-1", "Z", "a", "a.b", "a_b"} // byte order, whatever the order of writing
	for _, i := range []int{4, 0, 5, 2, 1, 3} {
		products.Put(t, s, product(want[i], 1))
	}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for cursor, first := "", true; (first || cursor != "") && len(got) <= len(want); first = false {
			page, next, err := s.Products(t.Context(), limit, cursor)
			storesuite.Must(t, err)
			if len(page) > limit || (len(page) == 0 && next != "") {
				t.Fatalf("page with limit %d: %d products, cursor %q", limit, len(page), next)
			}
			for _, p := range page {
				if p != product(p.SKU, 1) {
					t.Errorf("listed %+v, want %+v", p, product(p.SKU, 1))
				}
				got = append(got, p.SKU)
			}
			cursor = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q, want %q", limit, got, want)
		}
	}
}

func emptyListHasNoNextPage(t *testing.T, s catalog.Store) {
	if page, next, err := s.Products(t.Context(), 20, ""); len(page) != 0 || next != "" || err != nil {
		t.Errorf("Products = %v, %q, %v; want none", page, next, err)
	}
}

func foreignCursorIsRefused(t *testing.T, s catalog.Store) {
	products.Put(t, s, product("mug", 1))
	cursors := []string{"x", "====", "mug"}
	for _, plain := range []string{
		"products#", "orders#1", "null", "{}", `{"pk":"products"}`, `{"pk":"products","sk":""}`,
		`{"pk":"outbox#1","sk":"mug"}`, `{"pk":"products","sk":"mug","more":"x"}`,
	} {
		cursors = append(cursors, base64.RawURLEncoding.EncodeToString([]byte(plain)))
	}
	for _, cursor := range cursors {
		if _, _, err := s.Products(t.Context(), 20, cursor); !errors.Is(err, fault.ErrCursor) {
			t.Errorf("Products from cursor %q: %v, want ErrCursor", cursor, err)
		}
	}
}

func product(sku string, version int64) catalog.Product {
	return catalog.Product{
		SKU: sku, Name: "Mug", Price: money.Money{Currency: "EUR", Amount: 1999},
		Version: version, UpdatedAt: storesuite.Start,
	}
}

func pageAfterASKUStartsWithTheNext(t *testing.T, s catalog.Store) {
	for _, sku := range []string{"a", "b", "d"} {
		products.Put(t, s, product(sku, 1))
	}
	for _, sku := range []string{"b", "c"} { // c does not exist
		page, next, err := s.Products(t.Context(), 5, s.CursorAfter(sku))
		storesuite.WantMany(t, page, err, "d")
		if next != "" {
			t.Errorf("after %s: cursor %q of the last page", sku, next)
		}
	}
}
