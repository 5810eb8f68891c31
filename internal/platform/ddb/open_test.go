package ddb_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/ddb"
	"orderflow/internal/platform/ddb/ddbtest"
)

type waiting struct {
	ddb.Opened
	pot
}

func TestEachOpenVisitsItemsThatWaitLongEnough(t *testing.T) {
	table := ddbtest.NewTable(t, clock.At(start), ddb.OpenIndex)
	var want []string
	var ops []ddb.Op
	for n := range 12 { // over several shards; every third is too young
		pk := fmt.Sprintf("pot#%02d", n)
		since := start.Add(-time.Minute)
		if n%3 == 0 {
			since = start
		} else {
			want = append(want, pk)
		}
		ops = append(ops, table.Save(pk, "pot", waiting{ddb.OpenSince(pk, since), pot{}}))
	}
	must(t, table.Commit(t.Context(), commit.With{}, append(ops, table.Save("pot#closed", "pot", waiting{}))...))
	var got []string
	must(t, table.EachOpen(t.Context(), start, func(pk string) error { got = append(got, pk); return nil }))
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("visited %v, want %v", got, want)
	}
	visits := 0
	err := table.EachOpen(t.Context(), start, func(pk string) error {
		if visits++; pk == want[0] {
			return errFirst
		}
		return nil
	})
	if !errors.Is(err, errFirst) || visits != len(want) {
		t.Errorf("%v after %d visits, want the first visit's error after %d", err, visits, len(want))
	}
}

func TestEachOpenFailsIfTheIndexCannotBeRead(t *testing.T) {
	table, _ := scripted(t, `!{"__type":"AccessDeniedException"}`)
	if err := table.EachOpen(t.Context(), start, func(string) error { return nil }); err == nil {
		t.Error("no error")
	}
}

func TestOpenPageHasAnItemThatMovedOnlyOnce(t *testing.T) {
	first, moved := opened("1", start.Add(-2*time.Minute)), opened("2", start.Add(-time.Minute))
	table, _ := scripted(t, `{"Items":[`+first+`,`+moved+`]}`, `{"Items":[`+moved+`]}`)
	pks, next, err := table.OpenPage(t.Context(), []string{"left", "reached"}, start, 2, "")
	if want := []string{"pot#1", "pot#2"}; err != nil || !slices.Equal(pks, want) || next != "" {
		t.Errorf("%v, cursor %q, %v, want %v and no cursor", pks, next, err, want)
	}
}

// opened returns an item of the index as DynamoDB answers it.
func opened(subject string, since time.Time) string {
	return fmt.Sprintf(`{"pk":{"S":"pot#%s"},"sk":{"S":"pot"},"openSk":{"S":%q}}`,
		subject, ddb.OpenSince(subject, since).SK)
}
