// Package storetest holds the suite that every records.Store passes.
package storetest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"orderflow/internal/host/records"
	"orderflow/internal/platform/storesuite"
)

// Suite is the suite.
var Suite = storesuite.Suite[records.Store]{
	Cases: []func(*testing.T, records.Store){ListsAreApartAndByTime, NoRecordReplacesAnother, OnlyTheLatestAreRead},
}

func add(t *testing.T, s records.Store, list string, all ...records.Record) {
	t.Helper()
	storesuite.Must(t, s.Append(t.Context(), list, time.Hour, all...))
}

func latest(t *testing.T, s records.Store, list string) []records.Record {
	t.Helper()
	all, err := s.Latest(t.Context(), list)
	storesuite.Must(t, err)
	return all
}

// ListsAreApartAndByTime says that a list has its own records, oldest first.
func ListsAreApartAndByTime(t *testing.T, s records.Store) {
	first, second := records.Record{Timestamp: 999, Message: "ü"}, records.Record{Timestamp: 1000, Message: "{}"}
	add(t, s, "a", second)
	add(t, s, "a", first)
	add(t, s, "b", second)
	if diff := cmp.Diff([]records.Record{first, second}, latest(t, s, "a")); diff != "" {
		t.Error(diff)
	}
	if len(latest(t, s, "b")) != 1 || len(latest(t, s, "c")) != 0 {
		t.Error("another list's records are read")
	}
}

// NoRecordReplacesAnother says that equal records are all kept.
func NoRecordReplacesAnother(t *testing.T, s records.Store) {
	add(t, s, "a", records.Record{Timestamp: 1}, records.Record{Timestamp: 1})
	add(t, s, "a", records.Record{Timestamp: 1})
	if n := len(latest(t, s, "a")); n != 3 {
		t.Errorf("%d of 3 records", n)
	}
}

// OnlyTheLatestAreRead says that a read returns at most the latest records.
func OnlyTheLatestAreRead(t *testing.T, s records.Store) {
	var all []records.Record
	for n := range records.Most + 2 {
		all = append(all, records.Record{Timestamp: int64(n)})
	}
	add(t, s, "a", all...)
	if got := latest(t, s, "a"); len(got) != records.Most || got[0].Timestamp != 2 {
		t.Errorf("%d records, of %d", len(got), records.Most)
	}
}
