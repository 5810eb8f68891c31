package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"orderflow/internal/catalog"
	"orderflow/internal/catalog/memory"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/fault"
)

// shelf puts products, by SKU.
func shelf(t *testing.T, svc *catalog.Service, names map[string]string) {
	t.Helper()
	for sku, name := range names {
		if _, err := svc.PutProduct(t.Context(), sku, values(name, euro(1))); err != nil {
			t.Fatal(err)
		}
	}
}

// search returns the SKUs of a page.
func search(t *testing.T, svc *catalog.Service, l catalog.Listing) (skus []string, next string) {
	t.Helper()
	page, next, err := svc.ListProducts(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range page {
		skus = append(skus, p.SKU)
	}
	return skus, next
}

func TestProductsAreFoundByWordsOfTheirNames(t *testing.T) {
	svc, _, _ := open()
	shelf(t, svc, map[string]string{
		"CUP-1": "Kleine Tasse", "CUP-2": "Große Tasse, rot", "CUP-3": "Tassenhalter", "MUG-1": "Café mug",
		"MUG-2": "Mug for mugs", "TEA-1": "Tea",
	})
	for name, want := range map[string][]string{
		"tasse":       {"CUP-1", "CUP-2", "CUP-3"}, // the whole word first
		"TASSE gross": {"CUP-2"},
		"rot tass":    {"CUP-2"},
		"t":           {"CUP-1", "CUP-2", "CUP-3", "TEA-1"},
		"asse":        nil,
		"mug":         {"MUG-1", "MUG-2"},
		"mug m mugs":  {"MUG-2"},
		"cafe":        {"MUG-1"},
		"Cafe\u0301!": {"MUG-1"},
		"tasse blau":  nil,
		" -# ":        nil,
	} {
		if got, next := search(t, svc, catalog.Listing{Limit: 10, Name: name}); !slices.Equal(got, want) || next != "" {
			t.Errorf("%q: %q, cursor %q; want %q", name, got, next, want)
		}
	}
	both := catalog.Listing{Limit: 10, Name: "t", Prefix: "CUP-"}
	if got, _ := search(t, svc, both); len(got) != 3 {
		t.Errorf("among the cups: %q", got)
	}
}

func TestSearchStartsAfterAProductThatItFinds(t *testing.T) {
	svc, _, _ := open()
	shelf(t, svc, map[string]string{"A": "mugs", "B": "mug", "C": "mug", "D": "tea"})
	for after, want := range map[string][]string{"B": {"C", "A"}, "C": {"A"}, "A": nil} {
		got, next := search(t, svc, catalog.Listing{Limit: 5, Name: "mug", After: after})
		if !slices.Equal(got, want) || next != "" {
			t.Errorf("after %s: %q, cursor %q; want %q", after, got, next, want)
		}
	}
	for _, after := range []string{"D", "none"} {
		_, _, err := svc.ListProducts(t.Context(), catalog.Listing{Limit: 5, Name: "mug", After: after})
		if !errors.Is(err, fault.ErrCursor) {
			t.Errorf("after %s, which is not found: %v, want ErrCursor", after, err)
		}
	}
}

func TestSearchIsBoundedAndGoesOnFromItsCursor(t *testing.T) {
	svc, _, _ := open()
	names := map[string]string{}
	for n := range 1201 {
		names[fmt.Sprintf("SKU-%04d", n)] = "mug"
	}
	names["SKU-1200"] = "mug no"
	shelf(t, svc, names)
	var pages []string
	l := catalog.Listing{Limit: 10, Name: "mug no"}
	for range 4 {
		got, next := search(t, svc, l)
		pages = append(pages, fmt.Sprint(got, next != ""))
		if l.Cursor = next; next == "" {
			break
		}
	}
	if want := []string{"[] true", "[] true", "[SKU-1200] false"}; !slices.Equal(pages, want) {
		t.Errorf("pages %q, want %q", pages, want)
	}
}

func TestProductFromBeforeTheIndexIsFoundAfterAPut(t *testing.T) {
	svc, store, c := open()
	old := catalog.Product{SKU: "MUG", Name: "Mug", Price: euro(1), Version: 7, UpdatedAt: c.Now()}
	seed(t, store, old)
	if got, _ := search(t, svc, catalog.Listing{Limit: 5, Name: "mug"}); got != nil {
		t.Errorf("before: %q", got)
	}
	for range 2 { // the second changes nothing
		p, err := svc.PutProduct(t.Context(), "MUG", values("Mug", euro(1)))
		if err != nil || p.Version != 8 {
			t.Errorf("%+v, %v; want version 8", p, err)
		}
	}
	if got, _ := search(t, svc, catalog.Listing{Limit: 5, Name: "mug"}); len(got) != 1 {
		t.Errorf("after: %q", got)
	}
	if events := store.TakeOutbox(); len(events) > 0 {
		t.Errorf("published %v, though name and price are as they were", events)
	}
}

// seed stores a product of any version, version by version.
func seed(t *testing.T, store *memory.Store, p catalog.Product) {
	t.Helper()
	last := p.Version
	for p.Version = 1; p.Version <= last; p.Version++ {
		if err := store.Save(t.Context(), catalog.Product{}, p, commit.With{}); err != nil {
			t.Fatal(err)
		}
	}
}
