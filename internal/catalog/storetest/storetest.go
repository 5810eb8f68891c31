// Package storetest is the suite that every catalog store passes.
package storetest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"orderflow/internal/catalog"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/ids"
	"orderflow/internal/platform/money"
	"orderflow/internal/platform/storesuite"
)

// Suite is the suite that every catalog store must pass.
var Suite = storesuite.Suite[catalog.Store]{
	Aggregates: []storesuite.Aggregates[catalog.Store]{products},
	Cases: []func(*testing.T, catalog.Store){
		pagesListEveryProductOnceInOrder, emptyListHasNoNextPage, foreignCursorIsRefused,
		pageAfterASKUStartsWithTheNext, entriesAreReadInPages, foreignCursorOfEntriesIsRefused,
		indexIsWhatNamesSay,
	},
	Kinds: map[string]storesuite.Kind[catalog.Store]{
		"Entry": {
			Write: func(t *testing.T, s catalog.Store) { products.Put(t, s, named("mug", 1, "blue mug")) },
			Rewrite: func(t *testing.T, s catalog.Store) {
				products.Put(t, s, named("mug", 2, "large blue mug"))
				wantEntries(t, s, "b l m", "blue#mug", "large#mug", "mug#mug")
			},
		},
	},
}

var products = storesuite.Aggregate[catalog.Store, catalog.Product]{
	Get: catalog.Store.Get, GetMany: catalog.Store.GetMany, Save: save,
	Missing: catalog.ErrNoProduct, New: product,
	Versions: []catalog.Product{
		product("mug", 1),
		{
			SKU: "mug", Name: "Große Tasse", Price: money.Money{Currency: "USD"}, Version: 2,
			Text: "Für Tee.", ImageURL: "https://shop.example/mug.jpg", Category: "Tassen", Unlisted: true,
			Words:     "grosse tasse",
			UpdatedAt: storesuite.Start.Add(time.Hour),
		},
	},
}

// save writes a version over what is stored.
func save(s catalog.Store, ctx context.Context, p catalog.Product, with commit.With) error {
	before, err := s.Get(ctx, p.SKU)
	if err != nil && !errors.Is(err, catalog.ErrNoProduct) {
		return err
	}
	return s.Save(ctx, before, p, with)
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

// named returns a version of a product with these words.
func named(sku string, version int64, words string) catalog.Product {
	p := product(sku, version)
	p.Words = words
	return p
}

// entries returns all entries with a prefix, in pages of a size.
func entries(t *testing.T, s catalog.Store, prefix string, limit int) (all []catalog.Entry) {
	t.Helper()
	cursor := ""
	for range 100 {
		page, next, err := s.Entries(t.Context(), prefix, limit, cursor)
		storesuite.Must(t, err)
		if len(page) > limit {
			t.Fatalf("%d entries in a page of %d", len(page), limit)
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all
		}
	}
	t.Fatalf("entries of %q do not end", prefix)
	return nil
}

// wantEntries checks the entries whose words begin as those of initials do.
func wantEntries(t *testing.T, s catalog.Store, initials string, want ...string) {
	t.Helper()
	var got []string
	for initial := range strings.FieldsSeq(initials) {
		for _, e := range entries(t, s, initial, 100) {
			got = append(got, e.Word+"#"+e.SKU)
			if p, err := s.Get(t.Context(), e.SKU); err != nil || p.Words != e.Words {
				t.Errorf("entry %+v of %+v, %v", e, p, err)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("entries %q, want %q", got, want)
	}
}

func entriesAreReadInPages(t *testing.T, s catalog.Store) {
	for sku, words := range map[string]string{
		"a": "mug", "b": "mug mugs", "B": "mug μπολ", "c": "mu", "d": "mt n", "e": "blue mugs",
	} {
		products.Put(t, s, named(sku, 1, words))
	}
	for prefix, want := range map[string][]string{
		"mug": {"mug#B", "mug#a", "mug#b", "mugs#b", "mugs#e"}, "mugs": {"mugs#b", "mugs#e"}, "x": nil,
		"μ": {"μπολ#B"},
		"m": {"mt#d", "mu#c", "mug#B", "mug#a", "mug#b", "mugs#b", "mugs#e"}, "muga": nil,
	} {
		for limit := 1; limit <= len(want)+1; limit++ {
			var got []string
			for _, e := range entries(t, s, prefix, limit) {
				got = append(got, e.Word+"#"+e.SKU)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: %q, want %q", prefix, limit, got, want)
			}
		}
	}
	after := catalog.Entry{Word: "mug", SKU: "aa"} // does not exist
	if page, _, err := s.Entries(t.Context(), "mug", 1, s.CursorAfterEntry(after)); err != nil || page[0].SKU != "b" {
		t.Errorf("after %v: %v, %v", after, page, err)
	}
}

func foreignCursorOfEntriesIsRefused(t *testing.T, s catalog.Store) {
	products.Put(t, s, named("mug", 1, "blue mug"))
	cursors := []string{
		"x", "====", s.CursorAfter("mug"), s.CursorAfterEntry(catalog.Entry{Word: "blue", SKU: "mug"}),
		s.CursorAfterEntry(catalog.Entry{Word: "milk", SKU: "mug"}),
	}
	for _, plain := range []string{"{}", "words#", `{"pk":"words#m"}`, `{"pk":"words#m","sk":""}`} {
		cursors = append(cursors, base64.RawURLEncoding.EncodeToString([]byte(plain)))
	}
	for _, cursor := range cursors {
		if _, _, err := s.Entries(t.Context(), "mug", 20, cursor); !errors.Is(err, fault.ErrCursor) {
			t.Errorf("Entries from cursor %q: %v, want ErrCursor", cursor, err)
		}
	}
}

// indexIsWhatNamesSay puts products with names by chance, and searches for each word and pair.
func indexIsWhatNamesSay(t *testing.T, s catalog.Store) {
	words := []string{"a", "ab", "abc", "b", "ba", "c"}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	c := clock.At(storesuite.Start)
	svc := catalog.New(s, c, &ids.Sequence{})
	names := map[string]string{}
	for range 60 {
		sku := fmt.Sprint(random.IntN(8))
		var name []string
		for range random.IntN(5) {
			name = append(name, words[random.IntN(len(words))])
		}
		names[sku] = strings.Join(name, " ")
		unlisted := random.IntN(4) == 0
		_, err := svc.PutProduct(t.Context(), sku, catalog.Values{
			Name: strings.ToUpper(names[sku]), Price: money.Money{Currency: "EUR", Amount: random.Int64N(2)},
			Unlisted: &unlisted,
		})
		storesuite.Must(t, err)
	}
	var want []string
	for sku, name := range names {
		for word := range strings.FieldsSeq(name) {
			want = append(want, word+"#"+sku)
		}
	}
	slices.Sort(want)
	wantEntries(t, s, "a b c", slices.Compact(want)...)
	for _, first := range words {
		for _, second := range append(words, "") {
			wantFound(t, s, svc, names, first+" "+second)
		}
	}
}

// wantFound checks that the search for some words finds the listed products that have them.
func wantFound(t *testing.T, s catalog.Store, svc *catalog.Service, names map[string]string, sought string) {
	t.Helper()
	var want, got []string
	for sku, name := range names {
		p, err := s.Get(t.Context(), sku)
		storesuite.Must(t, err)
		has := !p.Unlisted
		for prefix := range strings.FieldsSeq(sought) {
			has = has && strings.Contains(" "+name, " "+prefix)
		}
		if has {
			want = append(want, sku)
		}
	}
	l := catalog.Listing{Limit: 2, Name: sought}
	for pages := 0; ; pages++ {
		page, next, err := svc.ListProducts(t.Context(), l)
		storesuite.Must(t, err)
		if len(page) > l.Limit || pages > len(names) {
			t.Fatalf("%q: page %d has %d products", sought, pages, len(page))
		}
		for _, p := range page {
			got = append(got, p.SKU)
		}
		if l.Cursor = next; next == "" {
			break
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("%q finds %q, want %q", sought, got, want)
	}
}
