// Package storetest is the suite that every catalog store passes.
package storetest

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is what every catalog store has to pass.
var Suite = storesuite.Suite[catalog.Store]{
	Cases: []func(*testing.T, catalog.Store){
		unknownProductIsNotFound, putReplacesThePreviousVersion, onlyTheNextVersionIsPut,
		pagesListEveryProductOnceInOrder, emptyListHasNoNextPage, foreignCursorIsRefused,
		productsAreReadInOneBatch, pageAfterASKUStartsWithTheNext,
	},
	Kinds: map[string]storesuite.Kind[catalog.Store]{
		"Product": {
			Write: func(t *testing.T, s catalog.Store) { put(t, s, product("mug", 1)) },
			Rewrite: func(t *testing.T, s catalog.Store) {
				next := product("mug", 2)
				next.Name, next.Price.Amount = "Blue mug", 2499
				put(t, s, next)
				wantProduct(t, s, next)
			},
		},
	},
}

func unknownProductIsNotFound(t *testing.T, s catalog.Store) {
	if _, err := s.Product(t.Context(), "none"); !errors.Is(err, catalog.ErrNoProduct) {
		t.Errorf("Product: %v, want ErrNoProduct", err)
	}
}

func putReplacesThePreviousVersion(t *testing.T, s catalog.Store) {
	p := product("mug", 1)
	put(t, s, p)
	wantProduct(t, s, p)
	p.Version, p.Name, p.Price.Amount, p.UpdatedAt = 2, "Große Tasse", 0, storesuite.Start.Add(time.Hour)
	put(t, s, p)
	wantProduct(t, s, p)
}

func onlyTheNextVersionIsPut(t *testing.T, s catalog.Store) {
	storesuite.NextVersionOnly(t, func(sku string, version int64) error {
		return s.Put(t.Context(), product(sku, version), commit.With{})
	})
	wantProduct(t, s, product("1", 2))
}

func pagesListEveryProductOnceInOrder(t *testing.T, s catalog.Store) {
	want := []string{"A", "A-1", "Z", "a", "a.b", "a_b"} // byte order, whatever the order of writing
	for _, i := range []int{4, 0, 5, 2, 1, 3} {
		put(t, s, product(want[i], 1))
	}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for cursor, first := "", true; (first || cursor != "") && len(got) <= len(want); first = false {
			page, next, err := s.Products(t.Context(), limit, cursor)
			must(t, err)
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
	put(t, s, product("mug", 1))
	cursors := []string{"x", "====", "mug"}
	for _, plain := range []string{
		"products#", "orders#1", "null", "{}", `{"pk":"products"}`, `{"pk":"products","sk":""}`,
		`{"pk":"outbox#1","sk":"mug"}`, `{"pk":"products","sk":"mug","more":"x"}`,
	} {
		cursors = append(cursors, base64.RawURLEncoding.EncodeToString([]byte(plain)))
	}
	for _, cursor := range cursors {
		if _, _, err := s.Products(t.Context(), 20, cursor); !errors.Is(err, catalog.ErrCursor) {
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

func put(t *testing.T, s catalog.Store, p catalog.Product) {
	t.Helper()
	must(t, s.Put(t.Context(), p, commit.With{}))
}

func wantProduct(t *testing.T, s catalog.Store, want catalog.Product) {
	t.Helper()
	if got, err := s.Product(t.Context(), want.SKU); err != nil || got != want {
		t.Errorf("Product(%s) = %+v, %v; want %+v", want.SKU, got, err, want)
	}
}

var must = storesuite.Must

func productsAreReadInOneBatch(t *testing.T, s catalog.Store) {
	for _, sku := range []string{"a", "b", "c"} {
		must(t, s.Put(t.Context(), product(sku, 1), commit.With{}))
	}
	found, err := s.ProductsBySKU(t.Context(), []string{"c", "none", "a"})
	storesuite.WantMany(t, found, err, "c", "a")
	if len(found) > 0 && found[0] != product("c", 1) {
		t.Errorf("found %+v", found[0])
	}
}

func pageAfterASKUStartsWithTheNext(t *testing.T, s catalog.Store) {
	for _, sku := range []string{"a", "b", "d"} {
		must(t, s.Put(t.Context(), product(sku, 1), commit.With{}))
	}
	for _, sku := range []string{"b", "c"} { // c does not exist
		page, next, err := s.Products(t.Context(), 5, s.CursorAfter(sku))
		storesuite.WantMany(t, page, err, "d")
		if next != "" {
			t.Errorf("after %s: cursor %q of the last page", sku, next)
		}
	}
}
