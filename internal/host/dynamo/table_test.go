package dynamo_test

import (
	"testing"

	"orderflow/internal/host/delivery"
	"orderflow/internal/host/delivery/storetest"
	"orderflow/internal/host/dynamo"
	"orderflow/internal/host/follow"
	"orderflow/internal/host/records"
	recordstest "orderflow/internal/host/records/storetest"
	"orderflow/internal/platform/clock"
	"orderflow/internal/platform/ddb/ddbtest"
	"orderflow/internal/platform/storesuite"
)

func TestMessages(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (delivery.Store, storesuite.Newer) {
		return dynamo.Table{Table: ddbtest.NewTable(t, c)}, nil
	}
	storesuite.RunCases(t, open, storetest.Suite)
}

func TestRecords(t *testing.T) {
	open := func(t *testing.T, c clock.Clock) (records.Store, storesuite.Newer) {
		return dynamo.Table{Table: ddbtest.NewTable(t, c)}, nil
	}
	storesuite.RunCases(t, open, recordstest.Suite)
}

func TestPlacesAreThoseOfTheStream(t *testing.T) {
	table := dynamo.Table{Table: ddbtest.NewTable(t, clock.System{})}
	want := func(stream string, places map[string]follow.Place) {
		t.Helper()
		got, err := table.Places(t.Context(), stream)
		storesuite.Must(t, err)
		if len(got) != len(places) {
			t.Errorf("%s: %v, want %v", stream, got, places)
		}
		for shard, p := range places {
			if got[shard] != p {
				t.Errorf("%s: %v, want %v", stream, got, places)
			}
		}
	}
	want("a", nil)
	storesuite.Must(t, table.SavePlace(t.Context(), "a", "1", follow.Place{After: "7"}))
	storesuite.Must(t, table.SavePlace(t.Context(), "a", "2", follow.Place{After: "8"}))
	storesuite.Must(t, table.SavePlace(t.Context(), "a", "1", follow.Place{After: "9", End: true}))
	storesuite.Must(t, table.SavePlace(t.Context(), "b", "1", follow.Place{End: true}))
	want("a", map[string]follow.Place{"1": {After: "9", End: true}, "2": {After: "8"}})
	want("b", map[string]follow.Place{"1": {End: true}})
}
