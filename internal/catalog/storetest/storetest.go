// Package storetest is the suite that every catalog store passes.
package storetest

import (
	"encoding/base64"
	"errors"
	"slices"
	"testing"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Store is a catalog store, with what the suite of the protocol needs beside.
type Store interface {
	catalog.Store
	storesuite.Store
}

// Run runs the suite; open returns an empty store.
func Run(t *testing.T, open func(t *testing.T, c clock.Clock) Store) {
	storesuite.Run(t, open)
	storesuite.RunCases(t, start, open, map[string]func(*testing.T, Store){
		"UnknownProductIsNotFound":            unknown,
		"PutReplacesTheVersionBefore":         replaces,
		"PutLosesTheRaceAgainstOtherVersions": stale,
		"PagesHoldAllProductsInOrderOnce":     pages,
		"EmptyListHasNoNextPage":              empty,
		"ForeignCursorIsRefused":              foreign,
	})
}

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func unknown(t *testing.T, s Store) {
	if _, err := s.Product(t.Context(), "none"); !errors.Is(err, catalog.ErrNoProduct) {
		t.Errorf("Product: %v, want ErrNoProduct", err)
	}
}

func replaces(t *testing.T, s Store) {
	p := product("mug", 1)
	must(t, s.Put(t.Context(), p, commit.With{}))
	wantProduct(t, s, p)
	p.Version, p.Name, p.Price.Amount, p.UpdatedAt = 2, "Große Tasse", 0, start.Add(time.Hour)
	must(t, s.Put(t.Context(), p, commit.With{}))
	wantProduct(t, s, p)
}

func stale(t *testing.T, s Store) {
	must(t, s.Put(t.Context(), product("mug", 1), commit.With{}))
	for _, version := range []int64{1, 3} {
		if err := s.Put(t.Context(), product("mug", version), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
			t.Errorf("Put of version %d over version 1: %v, want ErrLostRace", version, err)
		}
	}
	if err := s.Put(t.Context(), product("new", 2), commit.With{}); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Put of version 2 over nothing: %v, want ErrLostRace", err)
	}
	wantProduct(t, s, product("mug", 1))
}

func pages(t *testing.T, s Store) {
	want := []string{"A", "A-1", "Z", "a", "a.b", "a_b"} // byte order, whatever the order of writing
	for _, i := range []int{4, 0, 5, 2, 1, 3} {
		must(t, s.Put(t.Context(), product(want[i], 1), commit.With{}))
	}
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []string
		for cursor, first := "", true; (first || cursor != "") && len(got) <= len(want); first = false {
			page, next, err := s.Products(t.Context(), limit, cursor)
			must(t, err)
			if len(page) > limit || (len(page) == 0 && next != "") {
				t.Fatalf("a page of %d products at most has %d and cursor %q", limit, len(page), next)
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

func empty(t *testing.T, s Store) {
	if page, next, err := s.Products(t.Context(), 20, ""); len(page) != 0 || next != "" || err != nil {
		t.Errorf("Products = %v, %q, %v; want none", page, next, err)
	}
}

func foreign(t *testing.T, s Store) {
	must(t, s.Put(t.Context(), product("mug", 1), commit.With{}))
	cursors := []string{"x", "====", "mug"}
	for _, plain := range []string{"products#", "orders#1", "null", "{}", `{"pk":"products"}`, `{"pk":"products","sk":""}`,
		`{"pk":"outbox#1","sk":"mug"}`, `{"pk":"products","sk":"mug","more":"x"}`} {
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
		SKU: sku, Name: "Mug", Price: money.Money{Currency: "EUR", Amount: 1999}, Version: version, UpdatedAt: start,
	}
}

func wantProduct(t *testing.T, s Store, want catalog.Product) {
	t.Helper()
	if got, err := s.Product(t.Context(), want.SKU); err != nil || got != want {
		t.Errorf("Product(%s) = %+v, %v; want %+v", want.SKU, got, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
