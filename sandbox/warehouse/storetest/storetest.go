// Package storetest is the suite that all books of the warehouse pass.
package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"orderflow/internal/platform/fault"
	"orderflow/internal/platform/storesuite"
	"orderflow/sandbox/warehouse"
)

// Suite is what all books have to pass.
var Suite = storesuite.Suite[warehouse.Store]{
	Cases: []func(*testing.T, warehouse.Store){
		unknownEntryIsMissing, entryIsBookedOnce, entryExcludesAnother, concurrentEntriesAllCount,
	},
	Kinds: map[string]storesuite.Kind[warehouse.Store]{
		"Stock": {
			Write:   func(t *testing.T, s warehouse.Store) { book(t, s, entry("1", 5), "") },
			Rewrite: func(t *testing.T, s warehouse.Store) { book(t, s, entry("2", 5), "") },
		},
	},
}

func entry(id string, n int) warehouse.Entry {
	return warehouse.Entry{
		ID: id, MessageID: "m" + id, Message: `{"a":1}`,
		Moves: []warehouse.Line{{SKU: "a", Quantity: n}, {SKU: "b", Quantity: -1}},
	}
}

func book(t *testing.T, s warehouse.Store, e warehouse.Entry, unless string) {
	t.Helper()
	storesuite.Must(t, s.Book(t.Context(), e, unless))
}

func wantOnHand(t *testing.T, s warehouse.Store, sku string, want int) {
	t.Helper()
	if got, err := s.OnHand(t.Context(), sku); err != nil || got != want {
		t.Errorf("OnHand(%s) = %d, %v; want %d", sku, got, err, want)
	}
}

func unknownEntryIsMissing(t *testing.T, s warehouse.Store) {
	if _, err := s.Entry(t.Context(), "none"); !errors.Is(err, warehouse.ErrNoEntry) {
		t.Errorf("Entry: %v, want ErrNoEntry", err)
	}
	wantOnHand(t, s, "a", 0)
}

func entryIsBookedOnce(t *testing.T, s warehouse.Store) {
	book(t, s, entry("1", 5), "")
	if err := s.Book(t.Context(), entry("1", 7), ""); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Book again: %v, want ErrLostRace", err)
	}
	if got, err := s.Entry(t.Context(), "1"); err != nil || !reflect.DeepEqual(got, entry("1", 5)) {
		t.Errorf("Entry: %+v, %v", got, err)
	}
	wantOnHand(t, s, "a", 5)
	wantOnHand(t, s, "b", -1)
}

func entryExcludesAnother(t *testing.T, s warehouse.Store) {
	book(t, s, warehouse.Entry{ID: "cancel"}, "pick")
	if err := s.Book(t.Context(), entry("pick", 5), "cancel"); !errors.Is(err, fault.ErrLostRace) {
		t.Errorf("Book: %v, want ErrLostRace", err)
	}
	if got, err := s.Entry(t.Context(), "cancel"); err != nil || len(got.Moves) > 0 {
		t.Errorf("Entry: %+v, %v", got, err)
	}
	wantOnHand(t, s, "a", 0)
}

func concurrentEntriesAllCount(t *testing.T, s warehouse.Store) {
	const entries = 5
	storesuite.Race(entries, func(n int) error { return s.Book(t.Context(), entry(fmt.Sprint(n), 1), "") })
	wantOnHand(t, s, "a", entries)
}
