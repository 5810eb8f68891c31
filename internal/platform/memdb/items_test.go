package memdb_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/commit"
	"orderflow/internal/platform/memdb"
)

type cup struct {
	Glaze string
	Tea   string
}

// other is a gate that plays another version of the code.
type other struct {
	memdb.Open
	adds memdb.Unknown
}

func (o *other) Saved(_, _ string, unknown memdb.Unknown) memdb.Unknown {
	all := maps.Clone(o.adds)
	maps.Copy(all, unknown)
	return all
}

func TestItemsKeepUnknownAttributes(t *testing.T) {
	log := memdb.NewLog(clock.At(time.Unix(0, 0)))
	cups := memdb.NewItems(log, "cup", func(stored cup, next *cup) { next.Glaze = stored.Glaze })
	save := func(key string, c cup) {
		t.Helper()
		if err := log.Commit(commit.With{}, func() error { cups.Save(key, c); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	log.Guard(&other{adds: memdb.Unknown{"saucer": "blue"}})
	save("b", cup{"red", "green"})
	log.Guard(memdb.Open{})
	save("b", cup{"white", "black"})
	save("a", cup{"red", "mint"})
	if got := cups.Get("b"); got != (cup{"red", "black"}) {
		t.Errorf("%+v, want the first glaze and the last tea", got)
	}
	if got := log.Unknown("cup", "b"); !maps.Equal(got, memdb.Unknown{"saucer": "blue"}) {
		t.Errorf("unknown attributes: %v, want the saucer", got)
	}
	if got := log.Unknown("cup", "a"); got != nil {
		t.Errorf("unknown attributes: %v, want none", got)
	}
	if got := cups.Keys(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("keys %v", got)
	}
}
